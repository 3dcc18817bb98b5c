"""Which format a source has, and reading it."""

import importlib
from dataclasses import dataclass
from types import ModuleType

from mmdrs.datasets.label_formats import (
    class_folders,
    coco,
    cvat,
    file_names,
    labelme,
    lists,
    masks,
    npy,
    voc_xml,
    yolo,
)
from mmdrs.datasets.label_formats.labelled import LabelledImages, ReadOptions, Source
from mmdrs.errors import InputError, did_you_mean

#: Formats by name, the first that fits is taken: files of one tool before what any folder may be.
FORMATS: dict[str, ModuleType] = {
    'yolo': yolo,
    'coco': coco,
    'cvat': cvat,
    'labelme': labelme,
    'voc': voc_xml,
    'npy': npy,
    'list': lists,
    'names': file_names,
    'folders': class_folders,
    'masks': masks,
}


@dataclass(frozen=True)
class Detected:
    """A format of a source.

    Attributes:
        name: A key of :data:`FORMATS`, or the name of a module of the user's.
        reason: What was seen.
        others: The other formats that would fit, with what was seen.
    """

    name: str
    reason: str
    others: dict[str, str]

    def read(self, source: Source, options: ReadOptions) -> LabelledImages:
        """Read the labels.

        Raises:
            InputError: If a file is wrong, or there is no image or no class.
        """
        found = find_format(self.name).read(source, options)
        if not found.images or not any(image.labels for image in found.images):
            raise InputError(
                f'{source.path}: read as {self.name}, {len(found.images)} images have no label; '
                '--format NAME reads it as another format'
            )
        return found

    def describe(self) -> str:
        """In a line or two: what was taken, and what else would fit."""
        lines = [f'format: {self.name} ({self.reason})']
        lines += [
            f'  it would also fit {name} ({reason}): --format {name} takes it as that'
            for name, reason in self.others.items()
        ]
        return '\n'.join(lines)


def find_format(name: str) -> ModuleType:
    """A format by its name; of a user's own format, the module that reads it.

    A module of a format has two functions: ``fits(source) -> str``, why a source is of this
    format, and ``read(source, options) -> LabelledImages``.

    Raises:
        InputError: If there is no such format, and no such module that can be imported.
    """
    if name in FORMATS:
        return FORMATS[name]
    try:
        module = importlib.import_module(name)
    except (ImportError, TypeError, ValueError) as error:
        raise InputError(
            f'--format {name}: {error}. Known: auto, {", ".join(FORMATS)}'
            f'{did_you_mean(name, FORMATS)} (for a format of your own, give the name of its '
            'module; its folder must be on PYTHONPATH, or its project installed)'
        ) from error
    missing = [part for part in ('fits', 'read') if not callable(getattr(module, part, None))]
    if missing:
        raise InputError(
            f'--format {name}: this module has no function {missing[0]}(). '
            f'Known: auto, {", ".join(FORMATS)}'
        )
    return module


def detect(source: Source, options: ReadOptions) -> Detected:
    """Detect the format of a file or folder.

    Args:
        source: The file or folder.
        options: With a table of colours the source holds masks.

    Raises:
        MissingFileError: If there is no such file or folder.
        InputError: If no format fits.
    """
    if options.colours and source.files:
        return Detected('masks', f'colours of {options.colours}', {})
    reasons = {name: reason for name, kind in FORMATS.items() if (reason := kind.fits(source))}
    if not reasons:
        hint = (
            ' (unpack it first)' if source.path.suffix.lower() in ('.zip', '.tar', '.gz') else ''
        )
        raise InputError(
            f'{source.path}: no labels are found in it{hint}. Known: {", ".join(FORMATS)}; '
            '--format NAME says what it is'
        )
    first = next(iter(reasons))
    return Detected(first, reasons.pop(first), reasons)


def chosen_format(source: Source, name: str, options: ReadOptions) -> Detected:
    """The format that a user names, or with ``auto`` that which is detected.

    Raises:
        MissingFileError: If there is no such file or folder.
        InputError: If the source has another format, or none, or the format is unknown.
    """
    if name == 'auto':
        return detect(source, options)
    reason = find_format(name).fits(source) or 'as given'
    return Detected(name, reason, {})
