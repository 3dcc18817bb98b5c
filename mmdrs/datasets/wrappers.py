"""Data sets within wrappers such as ``RepeatDataset`` and ``ConcatDataset``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch.utils.data import Dataset

from mmdrs.errors import InputError


def leaf_datasets(dataset: Any) -> list[Any]:
    """The configs of the data sets within the wrappers of a config, in order."""
    inner = dataset.get('datasets') or [dataset[key] for key in ('dataset',) if key in dataset]
    return [leaf for item in inner for leaf in leaf_datasets(item)] if inner else [dataset]


@dataclass
class _NamingPipeline:
    """A pipeline whose errors name the image."""

    pipeline: Callable[[dict], Any]

    def __call__(self, info: dict) -> Any:
        path = info.get('img_path')
        try:
            return self.pipeline(info)
        except InputError:  # has its own message
            raise
        except Exception as error:
            raise InputError(
                f"image '{path}', or a file that belongs to it, cannot be loaded: "
                f'{type(error).__name__}: {error}'
            ) from error


def name_files_in_errors(dataset: Dataset) -> None:
    """Let a built data set raise an ``InputError`` with the image that cannot be loaded."""
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    for item in filter(None, inner):
        name_files_in_errors(item)
    pipeline = getattr(dataset, 'pipeline', None)
    if callable(pipeline) and not isinstance(pipeline, _NamingPipeline):
        dataset.pipeline = _NamingPipeline(pipeline)
