"""Which format a source has, and reading it."""

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
from mmdrs.errors import InputError

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
        name: A key of :data:`FORMATS`.
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
        found = FORMATS[self.name].read(source, options)
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
        InputError: If the source has another format, or none.
    """
    if name == 'auto':
        return detect(source, options)
    reason = FORMATS[name].fits(source) or 'as given'
    return Detected(name, reason, {})
