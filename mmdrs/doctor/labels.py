"""What image-level labels can teach: classes without images, and images without classes."""

import numpy as np

from mmdrs.doctor.given import Listed
from mmdrs.findings import Finding

#: How many times as many images the most frequent class may have as the least frequent one. VOC
#: 2012 has 15.
IMBALANCE = 20


def label_findings(listed: Listed) -> list[Finding]:
    """Warn of labels from which some class cannot be learned; nothing without labels."""
    if not listed.infos or 'img_label' not in listed.infos[0]:
        return []
    labels = np.stack([info['img_label'] for info in listed.infos]).astype(bool)
    counts = dict(zip(listed.classes, labels.sum(axis=0).tolist(), strict=True))
    findings = _unlabelled(listed, labels) + _absent(listed, counts)
    if listed.given.trains:
        findings += _everywhere(listed, counts) + _imbalance(listed, counts)
    return findings


def _unlabelled(listed: Listed, labels: np.ndarray) -> list[Finding]:
    bare = [
        info['img_path'] for info, own in zip(listed.infos, labels, strict=True) if not own.any()
    ]
    if not bare:
        return []
    message = f'{len(bare)} of {len(listed.infos)} images have no label'
    remedy = 'They count as images without any class. If that is wrong, write their classes.'
    return [Finding('warning', listed.given.list_key, message, tuple(bare), remedy)]


def _absent(listed: Listed, counts: dict[str, int]) -> list[Finding]:
    absent = [name for name, count in counts.items() if not count]
    if not absent:
        return []
    message = f'no image has the class {", ".join(absent)}'
    remedy = 'Add images of it, or take it out of `classes`.' if listed.given.trains else ''
    severity = 'warning' if listed.given.trains else 'note'
    return [Finding(severity, listed.given.list_key, message, remedy=remedy)]


def _everywhere(listed: Listed, counts: dict[str, int]) -> list[Finding]:
    everywhere = [name for name, count in counts.items() if count == len(listed.infos)]
    if not everywhere or len(listed.infos) < 2:
        return []
    message = f'every image has the class {", ".join(everywhere)}'
    remedy = 'A classifier learns what tells a class from others: add images without it.'
    return [Finding('warning', listed.given.list_key, message, remedy=remedy)]


def _imbalance(listed: Listed, counts: dict[str, int]) -> list[Finding]:
    present = {name: count for name, count in counts.items() if count}
    if not present:
        return []
    most, least = max(present, key=present.__getitem__), min(present, key=present.__getitem__)
    if present[most] <= IMBALANCE * present[least]:
        return []
    message = f'{most} has {present[most]} images, {least} only {present[least]}'
    remedy = 'The rare class may be missed: add images of it, or list fewer of the frequent one.'
    return [Finding('warning', listed.given.list_key, message, remedy=remedy)]
