"""Checks of what is in the files of a data set: sizes, values and ranges, before any work."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from mmdrs.datasets.file_checks import problem_message
from mmdrs.errors import InputError
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.image_file import read_header, read_raw_saliency
from mmdrs.pseudo_labels.label_file import read_label

#: More would only wait for the disk.
_THREADS = 8


class Found(NamedTuple):
    """What is looked up about a file: height, width, and its values.

    ``values`` of a mask are all its values in ascending order; of a saliency map its highest
    value and that which white has (255 or 65535); of an image nothing.
    """

    height: int
    width: int
    values: tuple[int, ...] = ()


def look_at(paths: Iterable[str], kind: str) -> list[Found | str]:
    """Look at files in several threads: of images the header, all pixels of the others.

    Ten thousand masks of VOC's size take 20 seconds on two cores. What was found is kept, so
    that a process reads every file once unless it changes.

    Args:
        paths: The files.
        kind: ``'img_path'``, ``'seg_map_path'`` or ``'saliency_path'``.

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
    if kind == 'img_path':
        return Found(*read_header(path)[:2])
    if kind == 'seg_map_path':
        mask = read_label(path)
        values = np.flatnonzero(np.bincount(mask.ravel(), minlength=256)).tolist()
        return Found(*mask.shape, tuple(values))
    saliency = read_raw_saliency(path)
    white = np.iinfo(saliency.dtype).max
    return Found(*saliency.shape, (int(saliency.max(initial=0)), int(white)))


def image_problems(title: str, paths: Sequence[str], hint: str = '') -> list[str]:
    """Say which images cannot be read, from their headers: a message, or nothing."""
    problems = [found for found in look_at(paths, 'img_path') if isinstance(found, str)]
    return (
        [problem_message(f'{title}: {len(problems)} wrong files', problems, hint)]
        if problems
        else []
    )


def map_problems(
    title: str,
    kind: str,
    pairs: Sequence[tuple[str, str]],
    hint: str = '',
    judge: Callable[[Sequence[str], Sequence[Found]], list[str]] | None = None,
) -> list[str]:
    """Say what is wrong with masks, labels or saliency maps.

    Args:
        title: Title of the message: the key that gave the folder, or the folder.
        kind: ``'seg_map_path'`` or ``'saliency_path'``.
        pairs: (image path, map path) of every image.
        hint: What to do about wrong files.
        judge: Gets the paths of the readable maps and what was found; returns messages on their
            values.

    Returns:
        Messages: on the files that are damaged, of another mode, or of another size than their
        image; and on the values.
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
    messages = []
    if problems:
        messages.append(problem_message(f'{title}: {len(problems)} wrong files', problems, hint))
    readable = [(path, one) for path, one in zip(maps, found, strict=True) if type(one) is Found]
    if judge and readable:
        paths, kept = zip(*readable, strict=True)
        messages += [f'{title}: {line}' for line in judge(paths, kept)]
    return messages


def mask_value_problems(
    paths: Sequence[str], found: Sequence[Found], num_values: int, scored: bool
) -> list[str]:
    """Say where masks hold other values than 0..``num_values`` - 1 and 255 (ignored).

    With ``scored`` some mask must have a pixel of a class; where all hold 0 and 255 only, 255 was
    meant for the one class, and would be left out of every score.
    """
    allowed = {*range(num_values), IGNORE_LABEL}
    wrong = [
        (path, bad)
        for path, one in zip(paths, found, strict=True)
        if (bad := [value for value in one.values if value not in allowed])
    ]
    seen = {value for one in found for value in one.values}
    if wrong:
        title = (
            f'{len(wrong)} of {len(paths)} masks hold values that are no class '
            f'(0..{num_values - 1}; {IGNORE_LABEL} is ignored)'
        )
        remedy = (
            'Masks hold class indices, not colours or grey levels: save the indices of a '
            'palette picture (np.asarray of it), or name all classes in metainfo.classes.'
        )
        lines = [f'{path} holds {_values(bad)}' for path, bad in wrong]
        return [problem_message(title, lines, remedy)]
    if not scored or seen & set(range(1, num_values)):
        return []
    if IGNORE_LABEL in seen:
        return [
            f'none of {len(paths)} masks has a pixel of a class, they hold {_values(seen)}, '
            f'and {IGNORE_LABEL} means "ignored", e.g. {paths[0]}. Write class 1 as 1: '
            '(mask == 255).astype(np.uint8)'
        ]
    return [f'none of {len(paths)} masks has a pixel of a class, e.g. {paths[0]}']


def saliency_value_problems(paths: Sequence[str], found: Sequence[Found]) -> list[str]:
    """Say where values of saliency maps cannot be 0..255 of 8 bits or 0..65535 of 16 bits."""
    messages = []
    for white, too_low in ((255, 1), (65535, 255)):
        group = [
            (path, one.values[0])
            for path, one in zip(paths, found, strict=True)
            if one.values[1] == white
        ]
        highest = max((value for _, value in group), default=0)
        if 0 < highest <= too_low:
            path = next(path for path, value in group if value == highest)
            messages.append(
                f'no value of {len(group)} saliency maps of {white.bit_length()} bits exceeds '
                f'{highest} of {white}, e.g. {path}: nothing would be salient. Multiply the maps '
                f'by {white // too_low}'
            )
    return messages


def raise_problems(messages: Sequence[str]) -> None:
    """Raise all messages as one InputError, if there are any."""
    if messages:
        raise InputError('\n'.join(messages))


def _values(values: Iterable[int]) -> str:
    shown = [str(value) for value in sorted(values)]
    return ', '.join(shown if len(shown) <= 6 else [*shown[:6], '...'])
