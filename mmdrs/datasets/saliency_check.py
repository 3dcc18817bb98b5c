"""Check a folder of saliency maps before a training that would stop at the first missing one."""

from collections.abc import Sequence
from pathlib import Path

from mmdrs.datasets.file_checks import SALIENCY_MODES, SHOWN, FolderIndex, read_header
from mmdrs.errors import InputError, MissingFileError


def check_saliency(
    saliency_dir: str | Path,
    ids: Sequence[str],
    image_dir: str | Path,
    saliency_suffix: str = '.png',
    img_suffix: str = '.jpg',
) -> None:
    """Check that every image has a saliency map of its size; only file headers are read.

    Args:
        saliency_dir: Folder of the maps, ``<id>.png``, 8 bits.
        ids: Image ids; those of own lists may end in ``img_suffix``.
        image_dir: Folder of the images, ``<id>.jpg``.
        saliency_suffix: Ending of the maps.
        img_suffix: Ending of the images.

    Raises:
        MissingFileError: If a folder, images or maps are missing; names the first files and
            counts all.
        InputError: If maps cannot be read, have another size than their image or another mode.
    """
    ids = [name.removesuffix(img_suffix) for name in ids]
    images = [str(Path(image_dir) / f'{name}{img_suffix}') for name in ids]
    maps = [str(Path(saliency_dir) / f'{name}{saliency_suffix}') for name in ids]
    _check_there(image_dir, images, 'images')
    _check_there(saliency_dir, maps, 'saliency maps')
    pairs = zip(images, maps, strict=True)
    problems = [problem for problem in (_problem(*pair) for pair in pairs) if problem]
    if problems:
        raise InputError(
            f'{saliency_dir}: {len(problems)} of {len(ids)} saliency maps are wrong:\n'
            f'{listed(problems)}'
        )


def listed(lines: Sequence[str]) -> str:
    """Return the first lines, indented, and how many follow."""
    shown = [f'  {line}' for line in lines[:SHOWN]]
    if len(lines) > SHOWN:
        shown.append(f'  ... and {len(lines) - SHOWN} more')
    return '\n'.join(shown)


def _check_there(folder: str | Path, paths: Sequence[str], what: str) -> None:
    if not Path(folder).is_dir():
        raise MissingFileError(f'{folder}: no such folder; it must hold the {what}')
    index = FolderIndex()
    missing = [path for path in paths if not index.exists(path)]
    if missing:
        raise MissingFileError(
            f'{folder}: {len(missing)} of {len(paths)} {what} are missing:\n{listed(missing)}'
        )


def _problem(image: str, saliency: str) -> str:
    """What is wrong with a saliency map, or ''."""
    try:
        height, width, _ = read_header(image)
        map_height, map_width, mode = read_header(saliency)
    except ValueError as error:
        return str(error)
    if mode not in SALIENCY_MODES:
        return f'{saliency} has mode {mode}, expected {" or ".join(SALIENCY_MODES)}'
    if (map_height, map_width) != (height, width):
        return (
            f'{saliency} is {map_width} x {map_height}, its image is {width} x {height} '
            '(width x height)'
        )
    return ''
