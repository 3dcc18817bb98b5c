"""``cls_labels.npy`` of this field: a pickled dict from image ids to vectors of 0 and 1."""

from mmdrs.datasets.label_formats.labelled import (
    LabelledImages,
    ReadOptions,
    Source,
    chosen_names,
)
from mmdrs.datasets.label_formats.npy_vectors import read_npy_labels
from mmdrs.datasets.label_lists import ImageLabels
from mmdrs.errors import InputError


def fits(source: Source) -> str:
    """Why a source is of this format; '' where it is not."""
    names = source.ending('.npy')
    return f'{names[0]} is a .npy file' if len(names) == 1 else ''


def read(source: Source, options: ReadOptions) -> LabelledImages:
    """Read the one ``.npy`` file; nothing that it pickles is run."""
    names = source.ending('.npy')
    if len(names) != 1:
        raise InputError(f'{source.path}: holds {len(names)} .npy files; give the one of labels')
    found = read_npy_labels(source.full(names[0]), len(options.classes) or None)
    classes = chosen_names(options, found.num_classes, source.full(names[0]))
    images = (ImageLabels(name, labels) for name, labels in found.labels.items())
    return LabelledImages(tuple(images), classes.classes, classes.named)
