"""Data sets within wrappers such as ``RepeatDataset`` and ``ConcatDataset``."""

from typing import Any


def leaf_datasets(dataset: Any) -> list[Any]:
    """The configs of the data sets within the wrappers of a config, in order."""
    inner = dataset.get('datasets') or [dataset[key] for key in ('dataset',) if key in dataset]
    return [leaf for item in inner for leaf in leaf_datasets(item)] if inner else [dataset]
