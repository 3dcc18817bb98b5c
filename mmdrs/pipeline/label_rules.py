"""The label rules of the stages: those of the pseudo labels, and those of self-training."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mmdrs.pipeline.settings import Settings
from mmdrs.pseudo_labels.fusion import BackgroundCue
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.saliency import LEARNED
from mmdrs.pseudo_labels.saliency_source import name_source, with_source

#: Foreground above this, 0..255, where it is the mean of saliency and probabilities.
FOREGROUND = 102


def pseudo_label_rules(settings: Settings) -> LabelRules:
    """How localization maps become labels: ``pseudo_labels`` of the settings.

    Raises:
        InputError: If a key is unknown, or a value cannot be used.
    """
    return _read(settings, settings['pseudo_labels'])


def self_label_rules(settings: Settings) -> LabelRules:
    """How the probabilities of a network become labels: ``self_training.pseudo_labels``.

    Where it is None, the foreground is the mean of the saliency map and the probabilities if the
    pseudo labels have a saliency cue, else that of the probabilities. The other rules are those of
    the pseudo labels.

    Raises:
        InputError: If a key is unknown, or a value cannot be used.
    """
    given = settings['self_training'].get('pseudo_labels')
    if given is not None:
        return _read(settings, given)
    rules = pseudo_label_rules(settings)
    cue = BackgroundCue('constant', value=0.5)
    if rules.background_cue.needs_saliency:
        given = rules.background_cue
        cue = BackgroundCue(
            'saliency', FOREGROUND, source=given.source, maps_weight=0.5, refined=given.refined
        )
    return replace(rules, background_cue=cue, threshold=0.0)


def learns_foreground(settings: Settings) -> bool:
    """Whether the saliency maps are those of the stage ``foreground``."""
    return 'foreground' in settings['stages']


def _read(settings: Settings, rules: Mapping[str, Any]) -> LabelRules:
    if learns_foreground(settings):
        return LabelRules.from_config(name_source(rules, LEARNED))
    prefix = dict(saliency_path=settings.get('saliency_dir'))
    data = dict(data_root=settings.get('data_root'), data_prefix=prefix)
    return LabelRules.from_config(with_source(rules, data))
