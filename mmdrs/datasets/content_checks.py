"""Checks of what is in the files of a data set: sizes, values and ranges, before any work."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from mmdrs.datasets.file_checks import FolderIndex, missing_files
from mmdrs.errors import InputError
from mmdrs.findings import Finding
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.image_file import decoding_fault, read_header, read_raw_saliency
from mmdrs.pseudo_labels.label_file import read_label
from mmdrs.pseudo_labels.segments_file import read_segments_size

#: Kind of images that are decoded to their end.
PIXELS = 'pixels'
#: More would only wait for the disk.
_THREADS = 8


class Found(NamedTuple):
    """What is looked up about a file: height, width, and its values.

    ``values`` of a mask are all its values in ascending order; of a saliency map its lowest and
    highest value and that which white has (255 or 65535); of an image and of masks to merge
    nothing.
    """

    height: int
    width: int
    values: tuple[int, ...] = ()


def look_at(paths: Iterable[str], kind: str) -> list[Found | str]:
    """Look at files in several threads: of images the header or all pixels, of the others these.

    Ten thousand masks of VOC's size take 20 seconds on two cores. What was found is kept, so
    that a process reads every file once unless it changes.

    Args:
        paths: The files.
        kind: ``'img_path'`` or ``'segments_path'`` (a file or folder), of which only the size is
            read, :data:`PIXELS`, ``'seg_map_path'`` or ``'saliency_path'``.

    Returns:
        For each file what was found, or what is wrong with it.
    """

    def look(path: str) -> Found | str:
        try:
            status = os.stat(path)
            return _found(path, kind, status.st_size, status.st_mtime_ns)
        except InputError as error:
            return str(error)
        except OSError as error:
            return f'{path} cannot be read ({error.strerror})'

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(look, paths))


@lru_cache(maxsize=1 << 17)
def _found(path: str, kind: str, size: int, time: int) -> Found:
    if kind == PIXELS and (fault := decoding_fault(path)):
        raise InputError(fault)
    if kind in ('img_path', PIXELS):
        return Found(*read_header(path)[:2])
    if kind == 'seg_map_path':
        mask = read_label(path)
        values = np.flatnonzero(np.bincount(mask.ravel(), minlength=256)).tolist()
        height, width = mask.shape
        return Found(height, width, tuple(values))
    if kind == 'segments_path':
        return Found(*read_segments_size(path))
    saliency = read_raw_saliency(path)
    white = np.iinfo(saliency.dtype).max
    values = (saliency.min(initial=white), saliency.max(initial=0), white)
    height, width = saliency.shape
    return Found(height, width, tuple(map(int, values)))


#: Gets the paths of the readable maps, and what was found of each.
Judge = Callable[[Sequence[str], Sequence[Found]], list[Finding]]


def image_problems(title: str, paths: Sequence[str], hint: str = '') -> list[Finding]:
    """Say which images cannot be read, from their headers: an error, or nothing."""
    problems = tuple(found for found in look_at(paths, 'img_path') if isinstance(found, str))
    return [_wrong_files(title, problems, hint)] if problems else []


def _wrong_files(title: str, problems: Sequence[str], hint: str) -> Finding:
    message = '1 wrong file' if len(problems) == 1 else f'{len(problems)} wrong files'
    return Finding('error', title, message, tuple(problems), hint)


def map_problems(
    title: str,
    kind: str,
    pairs: Sequence[tuple[str, str]],
    hint: str = '',
    judge: Judge | None = None,
) -> list[Finding]:
    """Say what is wrong with masks, labels, saliency maps or masks to merge.

    Args:
        title: Title of the findings: the key that gave the folder, or the folder.
        kind: ``'seg_map_path'``, ``'saliency_path'`` or ``'segments_path'``.
        pairs: (image path, map path) of every image.
        hint: What to do about wrong files.
        judge: Returns findings on the values, with any title.

    Returns:
        Errors: on the files that are damaged, of another mode, or of another size than their
        image; and what the judge says of the values.
    """
    images, maps = ([pair[i] for pair in pairs] for i in (0, 1))
    found = look_at(maps, kind)
    problems = []
    for image, size, path, one in zip(
        images, look_at(images, 'img_path'), maps, found, strict=True
    ):
        if isinstance(one, str):
            problems.append(one)
        elif not isinstance(size, str) and one[:2] != size[:2]:
            problems.append(
                f'{path} is {one.width} x {one.height}, '
                f'its image {image} is {size.width} x {size.height} (width x height)'
            )
    findings = [_wrong_files(title, problems, hint)] if problems else []
    readable = [(path, one) for path, one in zip(maps, found, strict=True) if type(one) is Found]
    if judge and readable:
        paths, kept = zip(*readable, strict=True)
        findings += [replace(finding, where=title) for finding in judge(paths, kept)]
    return findings


def mask_value_problems(
    paths: Sequence[str], found: Sequence[Found], num_values: int, scored: bool
) -> list[Finding]:
    """Say where masks hold other values than 0..``num_values`` - 1 and 255 (ignored).

    With ``scored`` some mask must have a pixel of a class; where all hold 0 and 255 only, 255 was
    meant for the one class, and would be left out of every score.
    """
    allowed = {*range(num_values), IGNORE_LABEL}
    wrong = tuple(
        f'{path} holds {_values(bad)}'
        for path, one in zip(paths, found, strict=True)
        if (bad := [value for value in one.values if value not in allowed])
    )
    seen = {value for one in found for value in one.values}
    if wrong:
        title = (
            f'{len(wrong)} of {len(paths)} masks hold values that are no class '
            f'(0..{num_values - 1}; {IGNORE_LABEL} is ignored)'
        )
        return [Finding('error', '', title, wrong, _WRONG_VALUES)]
    if not scored or seen & set(range(1, num_values)):
        return []
    title = f'none of {len(paths)} masks has a pixel of a class'
    if IGNORE_LABEL in seen:
        title += (
            f', they hold {_values(seen)}, and {IGNORE_LABEL} means "ignored", e.g. {paths[0]}'
        )
        remedy = 'Write class 1 as 1: (mask == 255).astype(np.uint8)'
        return [Finding('error', '', title, remedy=remedy)]
    return [Finding('error', '', f'{title}, e.g. {paths[0]}')]


_WRONG_VALUES = (
    'Masks hold class indices, not colours or grey levels: save the indices of a palette picture '
    '(np.asarray of it), or name all classes in `classes` (metainfo.classes of a config).'
)


def saliency_value_problems(paths: Sequence[str], found: Sequence[Found]) -> list[Finding]:
    """Say where values of saliency maps cannot be 0..255 of 8 bits or 0..65535 of 16 bits."""
    findings = []
    for white, too_low in ((255, 1), (65535, 255)):
        group = [
            (path, one.values[1])
            for path, one in zip(paths, found, strict=True)
            if one.values[2] == white
        ]
        highest = max((value for _, value in group), default=0)
        if 0 < highest <= too_low:
            path = next(path for path, value in group if value == highest)
            message = (
                f'no value of {len(group)} saliency maps of {white.bit_length()} bits exceeds '
                f'{highest} of {white}, e.g. {path}: nothing would be salient'
            )
            remedy = f'Multiply the maps by {white // too_low}.'
            findings.append(Finding('error', '', message, remedy=remedy))
    return findings


def file_problems(
    files: Mapping[str, Sequence[str]],
    titles: Mapping[str, str],
    hints: Mapping[str, str],
    judges: Mapping[str, Judge | None],
    index: FolderIndex | None = None,
    contents: bool = True,
) -> tuple[list[Finding], list[Finding]]:
    """Say what is wrong with the files of the images of a list.

    Args:
        files: Paths by kind (``img_path``, which must be there, ``seg_map_path``, ...), one for
            each image.
        titles: Title of each kind in the findings: the user's key.
        hints: What to do about missing and wrong files, by kind.
        judges: What judges the values of masks and saliency maps, by kind; None: only sizes.
        index: Of the folders; None does not ask which files are there.
        contents: Also look into the files.

    Returns:
        Errors on missing files; errors on the contents of the others.
    """
    missing: list[Finding] = []
    if index is not None:
        named = {titles[kind]: paths for kind, paths in files.items()}
        missing = missing_files(named, {titles[kind]: hint for kind, hint in hints.items()}, index)

    def present(*paths: str) -> bool:
        return index is None or all(map(index.exists, paths))

    wrong: list[Finding] = []
    if contents:
        images = files['img_path']
        wrong += image_problems(titles['img_path'], [path for path in images if present(path)])
        for kind in [kind for kind in judges if kind in files]:
            pairs = [p for p in zip(images, files[kind], strict=True) if present(*p)]
            hint = hints.get(kind, '')
            wrong += map_problems(titles[kind], kind, pairs, hint, judges[kind])
    return missing, wrong


def _values(values: Iterable[int]) -> str:
    shown = [str(value) for value in sorted(values)]
    return ', '.join(shown if len(shown) <= 6 else [*shown[:6], '...'])
