"""Lists against each other and against the folder of the images."""

import os
from collections.abc import Sequence
from pathlib import Path

from mmdrs.datasets.image_ids import IMAGE_SUFFIXES
from mmdrs.doctor.given import Listed
from mmdrs.findings import Finding


def overlap_findings(lists: Sequence[Listed]) -> list[Finding]:
    """Warn of images that are trained on and scored: the scores are then too high."""
    trained = {_real(info) for listed in lists if listed.given.trains for info in listed.infos}
    findings = []
    for listed in lists:
        if listed.given.trains:
            continue
        both = [info['img_path'] for info in listed.infos if _real(info) in trained]
        if both:
            findings.append(
                Finding(
                    'warning',
                    listed.given.list_key,
                    f'{len(both)} of {len(listed.infos)} images are in train_list as well',
                    tuple(both),
                    'Scores on images that were trained on say little: take them out of one list.',
                )
            )
    return findings


def _real(info: dict) -> str:
    return os.path.realpath(info['img_path'])


def unlisted_findings(lists: Sequence[Listed]) -> list[Finding]:
    """Note images of the folder that no list names."""
    named = {os.path.normpath(info['img_path']) for listed in lists for info in listed.infos}
    findings = []
    for folder, (key, suffixes) in _image_folders(lists).items():
        found = (
            os.path.normpath(os.path.join(parent, name))
            for parent, _, names in os.walk(folder)
            for name in sorted(names)
            if name.lower().endswith(suffixes)
        )
        left = tuple(path for path in found if path not in named)
        if left:
            message = f'{len(left)} images are in no list'
            remedy = 'Only listed images are used; add a line for each that should be.'
            findings.append(Finding('note', key, message, left, remedy))
    return findings


def _image_folders(lists: Sequence[Listed]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """The image folders, with the user's key and the endings, in lower case."""
    return {
        listed.dataset.data_prefix['img_path']: (
            listed.given.titles['img_path'],
            tuple(suffix.lower() for suffix in listed.dataset.img_suffix),
        )
        for listed in lists
        if listed.dataset.data_prefix['img_path']
    }


def suffix_findings(listed: Listed) -> list[Finding]:
    """Say where missing images are there under another suffix, or with one in other letters."""
    missing = [i['img_path'] for i in listed.infos if not listed.index.exists(i['img_path'])]
    others: dict[str, list[str]] = {}
    for path in missing:
        stem = Path(path).with_suffix('')
        for suffix in IMAGE_SUFFIXES:
            for ending in (suffix, suffix.upper()):
                if listed.index.exists(f'{stem}{ending}'):
                    others.setdefault(ending, []).append(f'{stem}{ending}')
    return [
        Finding(
            'error',
            'image_suffix',
            f"{len(paths)} of the {len(missing)} missing images are there with the suffix '{end}'",
            tuple(paths),
            f"Give image_suffix='{end}', or image_suffix= for any ending.",
        )
        for end, paths in others.items()
    ]
