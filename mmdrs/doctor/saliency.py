"""Saliency maps that say nothing: empty, of one value, or below the threshold."""

from mmdrs.datasets.content_checks import Found, look_at
from mmdrs.doctor.given import Listed
from mmdrs.findings import Finding
from mmdrs.pseudo_labels.constants import SALIENCY_THRESHOLD

_KIND = 'saliency_path'


def saliency_findings(listed: Listed) -> list[Finding]:
    """Say which maps have nothing salient, or one value everywhere."""
    paths = listed.paths(_KIND)
    groups: dict[str, list[str]] = {}
    for path, found in zip(paths, look_at(paths, _KIND), strict=True):
        if type(found) is Found and (words := _fault(*found.values)):
            groups.setdefault(words, []).append(path)
    return [
        Finding(
            'error' if len(own) == len(paths) else 'warning',
            listed.given.titles[_KIND],
            f'{len(own)} of {len(paths)} maps {words}',
            tuple(own),
            _REMEDY,
        )
        for words, own in groups.items()
    ]


_REMEDY = (
    'Their pseudo labels hold no object, or no background. Make these maps again, or choose a cue '
    'that needs none (pseudo_labels.background_cue.type=power, saliency_dir=).'
)


def _fault(lowest: int, highest: int, white: int) -> str:
    """What is wrong with a map of these values; '' for nothing."""
    if highest == 0:
        return 'are 0 everywhere'
    if lowest == highest:
        return 'have one value everywhere'
    threshold = SALIENCY_THRESHOLD * white // 255
    return f'do not exceed the threshold {threshold} of {white}' if highest <= threshold else ''
