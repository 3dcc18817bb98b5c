"""Data sets within wrappers (``RepeatDataset``, ``ConcatDataset``), and errors that name files."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mmseg.registry import DATASETS

from mmdrs.errors import InputError, did_you_mean
from mmdrs.pseudo_labels.image_file import read_image
from mmdrs.pseudo_labels.label_file import read_label
from mmdrs.reading import reading, reason_of

#: Readers of the files of an image that stock transforms read.
_READERS = {'img_path': read_image, 'seg_map_path': read_label}


def leaf_datasets(dataset: Any) -> list[Any]:
    """The configs of the data sets within the wrappers of a config, in order."""
    inner = dataset.get('datasets') or [dataset[key] for key in ('dataset',) if key in dataset]
    return [leaf for item in inner for leaf in leaf_datasets(item)] if inner else [dataset]


def dataset_class(config: Mapping[str, Any]) -> type:
    """The class of a data set by its config.

    Raises:
        InputError: If no class of this name is registered.
    """
    kind = config['type']
    found = DATASETS.get(kind) if isinstance(kind, str) else kind
    if found is None:
        hint = did_you_mean(kind, list(DATASETS.module_dict))
        raise InputError(f"there is no data set '{kind}'{hint}")
    return found


@dataclass
class NamingPipeline:
    """A pipeline whose errors name the image, or the file of it that is damaged."""

    pipeline: Callable[[dict], Any]

    def __call__(self, info: dict) -> Any:
        files = {key: info[key] for key in _READERS if os.path.exists(info.get(key) or '')}
        for path in files.values():
            with reading(path, 'image'):
                pass  # a pipe, say, which would never end
        path = info.get('img_path')
        try:
            return self.pipeline(info)
        except InputError:  # has its own message
            raise
        except Exception as error:
            for key, file in files.items():
                _read(key, file)
            raise InputError(
                f"image '{path}', or a file that belongs to it, cannot be loaded: "
                f'{type(error).__name__}: {reason_of(error)}'
            ) from error


def _read(key: str, path: str) -> None:
    """Read a file again, for what is wrong with it, and what can be done."""
    try:
        _READERS[key](path)
    except InputError as error:
        raise type(error)(
            f'{error}. Get the file again, or take its image out of the list; mmdrs doctor names '
            'all such files before a run'
        ) from error


def name_files_in_errors(dataset: Any) -> None:
    """Let a built data set raise an ``InputError`` with the image that cannot be loaded."""
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    for item in filter(None, inner):
        name_files_in_errors(item)
    pipeline = getattr(dataset, 'pipeline', None)
    if callable(pipeline) and not isinstance(pipeline, NamingPipeline):
        dataset.pipeline = NamingPipeline(pipeline)
