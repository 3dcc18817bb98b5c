"""Checks that the files of a data set exist and fit together, before any of them is decoded."""

import os
from collections.abc import Iterable, Mapping, Sequence

from PIL import ExifTags, Image

from mmdrs.errors import InputError, MissingFileError

SHOWN = 5
"""How many wrong files a message names."""

LABEL_MODES = ('P', 'L')
"""PIL modes of masks and pseudo labels: 8 bits, the pixel value is the class."""

SALIENCY_MODES = ('L', 'P', '1', 'RGB')
"""PIL modes of saliency maps, all read as 8-bit grey."""

_ROTATED = (5, 6, 7, 8)  # EXIF orientations that swap height and width when the image is loaded


class FolderIndex:
    """Answers which files exist with one listing per folder.

    A ``stat`` per file takes minutes for some ten thousand files on a network file system.
    """

    def __init__(self) -> None:
        self._names: dict[str, frozenset[str]] = {}

    def exists(self, path: str) -> bool:
        """Return whether ``path`` names an entry of its folder; False if there is no folder."""
        folder, name = os.path.split(path)
        if folder not in self._names:
            is_dir = os.path.isdir(folder or '.')
            self._names[folder] = frozenset(os.listdir(folder or '.') if is_dir else ())
        return name in self._names[folder]


def check_exist(
    files: Mapping[str, Sequence[str]], hints: Mapping[str, str], index: FolderIndex
) -> None:
    """Check that all files exist.

    Args:
        files: Paths by the key of ``data_prefix`` that gave their folder.
        hints: What to do about missing files, by the same keys.
        index: Lists the folders.

    Raises:
        FileNotFoundError: Names the key, the number and the first of the missing files.
    """
    messages = []
    for key, paths in files.items():
        missing = [path for path in paths if not index.exists(path)]
        if missing:
            count = f'{len(missing)} of {len(paths)} files are missing'
            messages.append(_listing(f'data_prefix.{key}: {count}', missing, hints[key]))
    if messages:
        raise MissingFileError('\n'.join(messages))


def check_sizes(
    key: str, pairs: Iterable[tuple[str, str]], modes: Sequence[str], hint: str
) -> None:
    """Check masks, labels or saliency maps against their images; only file headers are read.

    Args:
        key: The key of ``data_prefix`` that gave the folder of the maps.
        pairs: (image path, map path) of every image.
        modes: PIL modes that the maps may have.
        hint: What to do about wrong files.

    Raises:
        ValueError: Names the key, the number and the first of the maps that are unreadable, of
            another mode, or of another size than their image.
    """
    problems = []
    for image_path, map_path in pairs:
        try:
            height, width, _ = read_header(image_path)
            map_height, map_width, mode = read_header(map_path)
        except ValueError as error:
            problems.append(str(error))
            continue
        if mode not in modes:
            problems.append(f'{map_path} has mode {mode}, expected {" or ".join(modes)}')
        elif (map_height, map_width) != (height, width):
            problems.append(
                f'{map_path} is {map_width} x {map_height}, '
                f'its image {image_path} is {width} x {height} (width x height)'
            )
    if problems:
        raise InputError(
            _listing(f'data_prefix.{key}: {len(problems)} wrong files', problems, hint)
        )


def read_header(path: str) -> tuple[int, int, str]:
    """Read (height, width, PIL mode) of an image as it is loaded, so with EXIF rotation applied.

    Raises:
        ValueError: If the file is not a readable image.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            # PNG's own getexif decodes the whole image to look for EXIF data behind the pixels.
            exif = Image.Image.getexif(image)
            if exif.get(ExifTags.Base.Orientation) in _ROTATED:
                width, height = height, width
            return height, width, image.mode
    except (OSError, SyntaxError) as error:  # PIL's PNG reader raises SyntaxError
        raise InputError(f'{path} is not a readable image ({error})') from error


def _listing(title: str, lines: Sequence[str], hint: str) -> str:
    shown = [f'  {line}' for line in lines[:SHOWN]]
    if len(lines) > SHOWN:
        shown.append(f'  ... and {len(lines) - SHOWN} more')
    return '\n'.join([f'{title}:', *shown, hint])
