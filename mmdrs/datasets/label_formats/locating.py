"""Where the images of labels are: the folder that their ids are relative to."""

import posixpath
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from mmdrs.datasets.image_ids import IMAGE_SUFFIXES, without_suffix
from mmdrs.datasets.label_formats.labelled import LabelledImages, list_files
from mmdrs.datasets.label_formats.layout import is_no_image
from mmdrs.errors import InputError, MissingFileError, first_lines

#: Ids that are looked for in every folder.
_SAMPLE = 50


@dataclass(frozen=True)
class LocatedImages:
    """Labels whose images were found.

    Attributes:
        folder: The folder of the images.
        labelled: With ids that are the paths of the images below the folder, with their ending.
    """

    folder: Path
    labelled: LabelledImages


class ImageTree:
    """The images below a folder, found by names that may lack the ending, or have more folders."""

    def __init__(self, paths: Iterable[str]) -> None:
        """Index the images.

        Args:
            paths: Of files, relative to the folder; those that are no images are left out.
        """
        self.paths = {p for p in paths if without_suffix(p, IMAGE_SUFFIXES) != p}
        self.by_stem: dict[str, list[str]] = {}
        self.by_name: dict[str, list[str]] = {}
        for path in sorted(self.paths):
            stem = without_suffix(path, IMAGE_SUFFIXES)
            self.by_stem.setdefault(stem, []).append(path)
            if not is_no_image(path):
                self.by_name.setdefault(posixpath.basename(stem), []).append(path)

    def find(self, name: str, folder: str = '') -> str:
        """The path of an image in a folder; '' where it is not there.

        Leading folders of the name are dropped until it is found: programs often write paths of
        the machine on which the images were.
        """
        parts = posixpath.normpath(name).split('/')
        for start in range(len(parts)):
            path = posixpath.join(folder, *parts[start:])
            if path in self.paths:
                return path
            if found := self._only(self.by_stem.get(without_suffix(path, IMAGE_SUFFIXES), [])):
                return found
        return ''

    def find_anywhere(self, name: str) -> str:
        """The one image of this file name in any folder; '' where there is none, or several."""
        stem = posixpath.basename(without_suffix(name, IMAGE_SUFFIXES))
        return self._only(self.by_name.get(stem, []))

    @staticmethod
    def _only(paths: list[str]) -> str:
        """The only path, or the only one that is no PNG: masks are often beside their image."""
        photographs = [path for path in paths if not path.lower().endswith('.png')]
        if len(paths) > 1 and len(photographs) == 1:
            return photographs[0]
        return paths[0] if len(paths) == 1 else ''


def locate_images(
    labelled: LabelledImages, root: Path, folder: Path | None = None
) -> LocatedImages:
    """Find the images.

    Args:
        labelled: The labels.
        root: Folder that holds the source; the images are looked for below it.
        folder: The folder of the images, where it is known.

    Raises:
        MissingFileError: If there is no such folder, or images are missing; names the first.
        InputError: If two ids are one image.
    """
    if folder is not None and not folder.is_dir():
        raise MissingFileError(f'{folder}: no such folder of images')
    base = folder or root
    tree = ImageTree(list_files(base))
    names = [image.id for image in labelled.images]
    inside = '' if folder else _best_folder(tree, names[:: max(1, len(names) // _SAMPLE)])
    found = [tree.find(name, inside) for name in names]
    if not folder and not all(found):
        inside, found = '', [tree.find(n) or tree.find_anywhere(n) for n in names]
    missing = [name for name, path in zip(names, found, strict=True) if not path]
    if missing:
        raise MissingFileError(
            f'{base}: {len(missing)} of {len(names)} images are missing, or several files have '
            f'the name:\n{first_lines(missing)}\nGive their folder: --images DIR'
        )
    return _renamed(labelled, base / inside, [posixpath.relpath(p, inside or '.') for p in found])


def _renamed(labelled: LabelledImages, folder: Path, paths: list[str]) -> LocatedImages:
    first: dict[str, str] = {}
    for image, path in zip(labelled.images, paths, strict=True):
        if path in first:
            raise InputError(f'{first[path]!r} and {image.id!r} are one image, {folder / path}')
        first[path] = image.id
    images = tuple(replace(i, id=p) for i, p in zip(labelled.images, paths, strict=True))
    held_out = frozenset(path for path, name in first.items() if name in labelled.held_out)
    return LocatedImages(folder, replace(labelled, images=images, held_out=held_out))


def _best_folder(tree: ImageTree, names: list[str]) -> str:
    """The folder in which most names are found: the highest of those."""
    folders = Counter(posixpath.dirname(p) for p in tree.paths if not is_no_image(p))
    parents = {'/'.join(f.split('/')[:n]) for f in folders for n in range(f.count('/') + 2)}
    best, most = '', -1
    for folder in sorted(parents | {''}, key=lambda f: (f.count('/') + bool(f), f)):
        hits = sum(bool(tree.find(name, folder)) for name in names)
        if hits > most:
            best, most = folder, hits
    return best
