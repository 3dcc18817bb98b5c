"""Folders with the files of other programs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mmdrs.datasets.label_formats.detection import detect
from mmdrs.datasets.label_formats.labelled import LabelledImages, ReadOptions, Source

Found = tuple[dict[str, tuple[str, ...]], tuple[str, ...]]


@pytest.fixture
def detected() -> Callable[..., tuple[str, Found]]:
    """Detect and read a source: the format, the names of the classes by image, all classes."""

    def read(path: Path, *classes: str, colours: Path | None = None) -> tuple[str, Found]:
        source, options = Source(path), ReadOptions(classes, colours)
        found = detect(source, options)
        return found.name, named(found.read(source, options))

    return read


def named(found: LabelledImages) -> Found:
    images = {image.id: tuple(found.classes[i] for i in image.labels) for image in found.images}
    return images, found.classes
