"""Label rules with one value replaced; which is best can only be known from ground truth."""

from collections.abc import Sequence
from dataclasses import replace

from limits.labels import by_saliency
from mmdrs.pseudo_labels.crf import DenseCRF
from mmdrs.pseudo_labels.fusion import BackgroundCue
from mmdrs.pseudo_labels.rules import LabelRules

MAP_THRESHOLDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
SALIENCY_THRESHOLDS = (20, 50, 80, 110, 140)
CONSTANTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
EXPONENTS = (1, 2, 4, 8)


def sweep_rules(
    rules: LabelRules,
    has_saliency: bool,
    thresholds: Sequence[float] = MAP_THRESHOLDS,
    crf: bool = False,
) -> dict[str, LabelRules]:
    """The rules of each row of the sweeps, by its name.

    A CRF of the settings is left out: it would take seconds for each row and image.

    Args:
        rules: Those of the settings.
        has_saliency: Whether there are saliency maps.
        thresholds: Map thresholds, 0..1.
        crf: Add rows with a dense CRF of the default constants: the rules of the settings, and
            those without saliency.

    Raises:
        InputError: If ``crf`` is asked for and ``pydensecrf`` is not installed.
    """
    plain = replace(rules, crf=None)
    rows = {'as settings, without CRF': plain} if rules.crf else {}
    rows |= {f'map threshold {value:g}': replace(plain, threshold=value) for value in thresholds}
    if has_saliency:
        rows |= {
            f'saliency threshold {value}': by_saliency(plain, value)
            for value in SALIENCY_THRESHOLDS
        }
    free = _without_saliency(plain)
    if crf:
        added = {'as settings': plain, **free}
        free |= {f'{name}, CRF': replace(row, crf=DenseCRF()) for name, row in added.items()}
    return rows | free


def _without_saliency(rules: LabelRules) -> dict[str, LabelRules]:
    cues = {f'constant {value:g}': BackgroundCue('constant', value=value) for value in CONSTANTS}
    cues |= {f'power {value}': BackgroundCue('power', exponent=value) for value in EXPONENTS}
    return {
        f'no saliency, {name}': replace(rules, background_cue=cue) for name, cue in cues.items()
    }
