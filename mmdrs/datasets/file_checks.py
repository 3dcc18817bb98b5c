"""Checks that the files of a data set exist and fit together, before any of them is decoded."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from PIL import ExifTags, Image

from mmdrs.errors import InputError, MissingFileError, first_lines
from mmdrs.reading import reading

#: PIL modes of masks and pseudo labels: 8 bits, the pixel value is the class.
LABEL_MODES = ('P', 'L')
#: PIL modes of saliency maps, all read as 8-bit grey.
SALIENCY_MODES = ('L', 'P', '1', 'RGB')
_ROTATED = (5, 6, 7, 8)  # EXIF orientations that swap height and width when the image is loaded


class FolderIndex:
    """Answers which files exist with one listing per folder.

    A ``stat`` per file takes minutes for some ten thousand files on a network file system.
    """

    def __init__(self) -> None:
        self._names: dict[str, frozenset[str]] = {}

    def exists(self, path: str) -> bool:
        """Whether ``path`` names an entry of its folder; False if there is no folder."""
        folder, name = os.path.split(path)
        if folder not in self._names:
            is_dir = os.path.isdir(folder or '.')
            self._names[folder] = frozenset(os.listdir(folder or '.') if is_dir else ())
        return name in self._names[folder]


def existing_folder(path: str | Path, content: str) -> Path:
    """Return a folder that must hold ``content``; a MissingFileError if there is none."""
    if not Path(path).is_dir():
        raise MissingFileError(f'{path}: no such folder; it must hold the {content}')
    return Path(path)


def check_exist(
    files: Mapping[str, Sequence[str]],
    hints: Mapping[str, str] | None = None,
    index: FolderIndex | None = None,
) -> None:
    """Check that all files exist.

    Args:
        files: Paths by their title in messages: the key that gave their folder, or the folder.
        hints: What to do about missing files, by the same titles.
        index: None makes a new one.

    Raises:
        MissingFileError: Names the title, the number and the first of the missing files.
    """
    index = index or FolderIndex()
    messages = []
    for title, paths in files.items():
        missing = [path for path in paths if not index.exists(path)]
        if missing:
            count = f'{len(missing)} of {len(paths)} files are missing'
            messages.append(_message(f'{title}: {count}', missing, (hints or {}).get(title, '')))
    if messages:
        raise MissingFileError('\n'.join(messages))


def check_sizes(
    title: str, pairs: Iterable[tuple[str, str]], modes: Sequence[str], hint: str = ''
) -> None:
    """Check masks, labels or saliency maps against their images; only file headers are read.

    Args:
        title: Title of the message: the key that gave the folder of the maps, or the folder.
        pairs: (image path, map path) of every image.
        modes: PIL modes that the maps may have.
        hint: What to do about wrong files.

    Raises:
        InputError: Names the title, the number and the first of the maps that are unreadable, of
            another mode, or of another size than their image.
    """
    problems = [problem for pair in pairs if (problem := _size_problem(*pair, modes))]
    if problems:
        raise InputError(_message(f'{title}: {len(problems)} wrong files', problems, hint))


def check_saliency(
    saliency_dir: str | Path,
    ids: Sequence[str],
    image_dir: str | Path,
    saliency_suffix: str = '.png',
    img_suffix: str = '.jpg',
) -> None:
    """Check that every image has a saliency map of its size; only file headers are read.

    Args:
        saliency_dir: Folder of the maps: 8 bits, ``<id><saliency_suffix>``.
        ids: Image ids; those of own lists may end in ``img_suffix``.
        image_dir: Folder of the images.
        saliency_suffix: Ending of the maps.
        img_suffix: Ending of the images.

    Raises:
        MissingFileError: If a folder, images or maps are missing.
        InputError: If maps cannot be read, have another size than their image or another mode.
    """
    ids = [name.removesuffix(img_suffix) for name in ids]
    folders = {'images': (image_dir, img_suffix), 'saliency maps': (saliency_dir, saliency_suffix)}
    files = {
        f'{folder}, {content}': [str(existing_folder(folder, content) / f'{i}{end}') for i in ids]
        for content, (folder, end) in folders.items()
    }
    check_exist(files)
    check_sizes(list(files)[1], zip(*files.values(), strict=True), SALIENCY_MODES)


def read_header(path: str) -> tuple[int, int, str]:
    """Read (height, width, PIL mode) of an image as it is loaded, so with EXIF rotation applied.

    Raises:
        InputError: If the file is not a readable image.
    """
    with reading(path, 'image'), Image.open(path) as image:
        width, height = image.size
        # PNG's own getexif decodes the whole image to look for EXIF data after the pixels.
        exif = Image.Image.getexif(image)
        if exif.get(ExifTags.Base.Orientation) in _ROTATED:
            width, height = height, width
        return height, width, image.mode


def _size_problem(image_path: str, map_path: str, modes: Sequence[str]) -> str | None:
    try:
        height, width, _ = read_header(image_path)
        map_height, map_width, mode = read_header(map_path)
    except InputError as error:
        return str(error)
    if mode not in modes:
        return f'{map_path} has mode {mode}, expected {" or ".join(modes)}'
    if (map_height, map_width) != (height, width):
        return (
            f'{map_path} is {map_width} x {map_height}, '
            f'its image {image_path} is {width} x {height} (width x height)'
        )
    return None


def _message(title: str, lines: Sequence[str], hint: str) -> str:
    return '\n'.join([f'{title}:', first_lines(lines), *([hint] if hint else [])])
