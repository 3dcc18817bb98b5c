"""Steps of label making that a user's module registers."""

from dataclasses import dataclass

import numpy as np
import pytest

from mmdrs.errors import InputError
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.steps import Cue, step_config
from mmdrs.registry import BACKGROUND_CUES


def test_cue_must_be_a_dataclass() -> None:
    """Else its values would not be in the records."""

    class Hidden(Cue):
        def __init__(self, level: int = 1) -> None:
            self.level = level

        def score(self, maps: np.ndarray, *others: np.ndarray | None) -> np.ndarray:
            return maps[0]

    BACKGROUND_CUES.register_module(module=Hidden)
    try:
        with pytest.raises(InputError, match='Hidden must be a dataclass'):
            LabelRules.from_config(dict(background_cue=dict(type='Hidden')))
    finally:
        del BACKGROUND_CUES.module_dict['Hidden']


def test_another_name_is_recorded() -> None:
    """Records name the type as a config does, not the class."""

    @dataclass(frozen=True)
    class Level(Cue):
        level: float

        def score(self, maps: np.ndarray, *others: np.ndarray | None) -> np.ndarray:
            return np.full(maps.shape[1:], self.level, np.float32)

    BACKGROUND_CUES.register_module('even', module=Level)
    try:
        with pytest.raises(InputError, match="background_cue: .*missing .* 'level'"):
            LabelRules.from_config(dict(background_cue=dict(type='even')))
        rules = LabelRules.from_config(dict(background_cue=dict(type='even', level=0.4)))
        assert rules.deciding()['background_cue'] == dict(type='even', level=0.4)
        assert LabelRules.from_config(rules.to_config()) == rules
    finally:
        del BACKGROUND_CUES.module_dict['even']
    assert step_config({}, Level(0.4)) == dict(type='Level', level=0.4)
