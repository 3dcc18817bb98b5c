"""Masks: colours instead of classes, and masks that contradict the image-level labels."""

from collections.abc import Sequence

import numpy as np

from mmdrs.datasets.content_checks import Found, look_at
from mmdrs.doctor.given import Listed
from mmdrs.errors import InputError
from mmdrs.findings import Finding
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.image_file import open_picture
from mmdrs.pseudo_labels.label_file import LABEL_MODES
from mmdrs.pseudo_labels.palette import voc_palette

#: Share of the images whose masks may show other classes than their labels. In VOC 2012, 8 % of
#: the masks lack a class whose box is in the XML file.
CONTRADICTIONS = 0.2
_KIND = 'seg_map_path'


def mask_findings(listed: Listed) -> list[Finding]:
    """Say what the general checks of masks (size, values) do not."""
    paths = listed.paths(_KIND)
    if not paths:
        return []
    return _colours(listed, paths) + _contradictions(listed)


def _colours(listed: Listed, paths: Sequence[str]) -> list[Finding]:
    """Say which colours masks hold that are colour pictures, and how they become indices."""
    wrong = [
        path for path, one in zip(paths, look_at(paths, _KIND), strict=True) if type(one) is str
    ]
    coloured = [(path, colours) for path in wrong[:20] if (colours := _colours_of(path))]
    if not coloured:
        return []
    lines = tuple(f'{path}: {_named(colours)}' for path, colours in coloured)
    seen = {colour for _, colours in coloured for colour in colours}
    return [
        Finding(
            'note',
            listed.given.titles[_KIND],
            'masks show colours instead of class indices',
            lines,
            _remedy(seen, len(listed.classes) + 1),
        )
    ]


def _colours_of(path: str) -> list[tuple[int, ...]]:
    """Colours of a colour picture, the most frequent first; none where it is another picture."""
    try:
        with open_picture(path, 'mask') as picture:
            if picture.mode in LABEL_MODES:
                return []
            pixels = np.asarray(picture.convert('RGB')).reshape(-1, 3)
    except InputError:
        return []
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    return [tuple(colours[place].tolist()) for place in np.argsort(-counts)]


def _named(colours: Sequence[tuple[int, ...]]) -> str:
    shown = ', '.join(map(str, colours[:4]))
    return shown if len(colours) <= 4 else f'{shown}, ... ({len(colours)} colours)'


def _remedy(seen: set[tuple[int, ...]], count: int) -> str:
    if len(seen) > 256:
        return (
            'These are photographs, or masks that were saved as JPEG or resized with '
            'interpolation: make them anew from their source, as PNG.'
        )
    voc = {tuple(colour) for colour in voc_palette(256)}
    names = "those of VOC's palette; its order is that of its classes" if seen <= voc else 'yours'
    return (
        f'The colours are {names}. Write the index of each: palette = np.array([(0, 0, 0), ...]) '
        f'with the colours of the {count} classes in their order, then index = (pixels[:, :, '
        'None] == palette).all(-1).argmax(-1), and save it as a PNG of 8 bits: '
        "Image.fromarray(index.astype('uint8'))."
    )


def _contradictions(listed: Listed) -> list[Finding]:
    """Warn where masks show other classes than the labels name: lists or masks are shifted."""
    pairs = [
        (info, found)
        for info, found in zip(listed.infos, _found(listed), strict=True)
        if type(found) is Found and 'img_label' in info
    ]
    named = [set(np.flatnonzero(info['img_label']).tolist()) for info, _ in pairs]
    shown = [set(found.values) - {0, IGNORE_LABEL} for _, found in pairs]
    differing = [
        f'{info["seg_map_path"]} shows {sorted(mask)}, its labels are {sorted(own)}'
        for (info, _), own, mask in zip(pairs, named, shown, strict=True)
        if {label + 1 for label in own} != mask
    ]
    if len(differing) <= CONTRADICTIONS * len(pairs):
        return []
    shifted = sum(own - {0} == mask for own, mask in zip(named, shown, strict=True))
    remedy = 'Mask values are label + 1, since labels do not count the background.'
    if shifted > len(pairs) / 2:
        remedy += (
            ' Here they are the labels themselves: add 1 to the masks, or take 1 from labels.'
        )
    message = f'{len(differing)} of {len(pairs)} masks show other classes than the labels name'
    title = listed.given.titles[_KIND]
    return [Finding('warning', title, message, tuple(differing), remedy)]


def _found(listed: Listed) -> list[Found | str]:
    return look_at((info.get(_KIND) or '' for info in listed.infos), _KIND)
