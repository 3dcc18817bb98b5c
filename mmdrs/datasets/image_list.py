"""Which images a data set has: from a list of ids, a list with labels, or class folders."""

import os.path as osp
from collections.abc import Sequence
from dataclasses import dataclass

from mmdrs.datasets.file_checks import FolderIndex
from mmdrs.datasets.formats.label_lists import (
    ImageLabels,
    read_class_folders,
    read_id_list,
    read_label_list,
)


@dataclass(frozen=True)
class ImageList:
    """Where the images of a data set are listed, and what their files are called.

    Args:
        ann_file: The list; '' reads the images and their labels from class folders.
        folder: The folder of the images.
        suffixes: Suffixes of the images, tried in this order. An id of the list may end in one.
        classes: Foreground class names.
        with_labels: Whether the list must hold labels; otherwise only its ids are read.
    """

    ann_file: str
    folder: str
    suffixes: tuple[str, ...]
    classes: Sequence[str]
    with_labels: bool

    def read(self, index: FolderIndex) -> list[ImageLabels]:
        """Return the images: ids without suffix, labels if they were read, path with folder.

        Raises:
            MissingFileError: If the list or a folder is missing.
            InputError: If the list or a folder is wrong.
        """
        if not self.ann_file:
            images = read_class_folders(self.folder, self.classes, self.suffixes)
        elif self.with_labels:
            images = read_label_list(self.ann_file, self.classes)
        else:
            images = read_id_list(self.ann_file)
        return [self._located(image, index) for image in images]

    def _located(self, image: ImageLabels, index: FolderIndex) -> ImageLabels:
        own = next((suffix for suffix in self.suffixes if image.id.endswith(suffix)), '')
        name = image.id.removesuffix(own)
        paths = [osp.join(self.folder, image.path or name + suffix) for suffix in self.suffixes]
        path = paths[0]
        if len(paths) > 1:
            path = next((path for path in paths if index.exists(path)), path)
        return ImageLabels(name, image.labels, path)
