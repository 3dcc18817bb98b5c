"""What the readers of labels take and return."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from mmdrs.datasets.image_ids import IMAGE_SUFFIXES, without_suffix
from mmdrs.datasets.label_lists import ImageLabels, unknown_class
from mmdrs.errors import InputError, MissingFileError

#: What formats call pixels or shapes that are of no class; compared in lower case.
BACKGROUND = ('background', '_background_', '__background__', '__ignore__')
#: Folders below this depth are not looked into.
_DEPTH = 6
#: File of the work directory of a run.
_RUN = 'pipeline.json'


@dataclass(frozen=True)
class LabelledImages:
    """Images with their labels, and what the labels mean.

    Attributes:
        images: In the order of the source. Ids are as the source has them: with or without
            ending, with folders relative to the folder of the source.
        classes: Names of the foreground classes, in the order of the labels.
        named: False where the source only numbers the classes, so that the names are made up.
        held_out: Ids of the images that the source keeps for validation.
    """

    images: tuple[ImageLabels, ...]
    classes: tuple[str, ...]
    named: bool = True
    held_out: frozenset[str] = frozenset()


class NamedLabels(NamedTuple):
    """An image with the names of its classes; ``where`` is the place of both, for messages."""

    id: str
    names: list[str]
    where: str


@dataclass(frozen=True)
class ReadOptions:
    """What a user says of the labels.

    Attributes:
        classes: Foreground classes in their order; empty: those that the source names.
        colours: File of the colours of masks.
    """

    classes: tuple[str, ...] = ()
    colours: Path | None = None


@dataclass(frozen=True)
class Source:
    """A file of labels, or a folder that holds labels and usually the images.

    Attributes:
        path: The file or folder.
        ignored: Files and folders in it that do not count: what is written again.
    """

    path: Path
    ignored: frozenset[Path] = frozenset()

    @property
    def root(self) -> Path:
        """The folder that ids and files are relative to."""
        return self.path if self.path.is_dir() else self.path.parent

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Paths of the files, relative to the root, sorted; hidden ones are left out.

        Raises:
            MissingFileError: If there is no such file or folder.
        """
        if self.path.is_dir():
            root = self.path.resolve()
            ignored = {path.resolve() for path in self.ignored}
            return tuple(
                name
                for name in list_files(self.path)
                if not ignored & {root / name, *(root / name).parents}
            )
        if not self.path.exists():
            raise MissingFileError(f'{self.path}: no such file or folder')
        return (self.path.name,)

    @cached_property
    def images(self) -> tuple[str, ...]:
        """The files that are images by their ending."""
        return self.ending(*IMAGE_SUFFIXES)

    def ending(self, *suffixes: str) -> tuple[str, ...]:
        """The files with one of these endings, in any case."""
        return tuple(name for name in self.files if name.lower().endswith(suffixes))

    def full(self, name: str) -> Path:
        """The path of one of the files."""
        return self.root / name


def list_files(root: Path) -> tuple[str, ...]:
    """Paths of the files below a folder, relative to it, sorted.

    Hidden ones are left out, and work directories of runs, which hold maps and labels.
    """
    found = []
    for folder, folders, names in os.walk(root):
        if _RUN in names:
            folders.clear()
            continue
        relative = Path(folder).relative_to(root)
        deep = len(relative.parts) >= _DEPTH
        folders[:] = [] if deep else [n for n in folders if not n.startswith('.')]
        found += [(relative / n).as_posix() for n in names if not n.startswith('.')]
    return tuple(sorted(found))


def from_names(
    rows: Iterable[NamedLabels],
    classes: Sequence[str] = (),
    known: Sequence[str] = (),
) -> LabelledImages:
    """Number the classes of images whose classes are named.

    Args:
        rows: The images. :data:`BACKGROUND` is no class.
        classes: The classes in their order; a name that is not among them is an error.
        known: The classes that the source lists, in its order; without these and ``classes`` they
            are the names that were found, sorted.

    Raises:
        InputError: For an unknown class, or an image that is there twice.
    """
    rows = [NamedLabels(i, [n for n in names if not is_background(n)], w) for i, names, w in rows]
    order = list(classes or [name for name in known if not is_background(name)])
    if not order:
        order = sorted({name for row in rows for name in row.names})
    index = {name: number for number, name in enumerate(order)}
    images: dict[str, ImageLabels] = {}
    for row in rows:
        stem = without_suffix(row.id, IMAGE_SUFFIXES)
        if stem in images:
            raise InputError(f'{row.where}: image {stem!r} is there already; name it once')
        for name in row.names:
            if name not in index:
                raise InputError(f'{row.where}: {unknown_class(name, order)}')
        images[stem] = ImageLabels(row.id, tuple(sorted({index[name] for name in row.names})))
    return LabelledImages(tuple(images.values()), tuple(order))


def is_background(name: str) -> bool:
    """Whether a name is that of no class."""
    return name.strip().lower() in BACKGROUND


def numbered_names(count: int, first: int = 0) -> tuple[str, ...]:
    """Names of classes that a source only numbers."""
    return tuple(f'class_{number + first}' for number in range(count))


def chosen_names(
    options: ReadOptions, count: int, where: object, first: int = 0
) -> LabelledImages:
    """The classes of a source that numbers them, without images.

    Args:
        options: May name the classes.
        count: Classes of the source.
        where: The source, for messages.
        first: Number of the first class in the source.

    Raises:
        InputError: If fewer are named than the source has.
    """
    if not options.classes:
        return LabelledImages((), numbered_names(count, first), named=False)
    if len(options.classes) < count:
        raise InputError(
            f'{where}: has labels of {count} classes, but --classes names '
            f'{len(options.classes)}: {" ".join(options.classes)}'
        )
    return LabelledImages((), options.classes)
