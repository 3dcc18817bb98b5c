"""The rules beside the labels of a folder."""

from pathlib import Path

from mmdrs.pseudo_labels.fusion import BackgroundCue
from mmdrs.pseudo_labels.output_paths import RULES
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.rules_file import read_rules, write_rules


def test_round_trip(tmp_path: Path) -> None:
    for rules in (LabelRules(BackgroundCue(source='CSNet'), threshold=0.3), LabelRules()):
        write_rules(tmp_path / 'labels', rules)
        assert read_rules(tmp_path / 'labels') == rules
    assert [path.name for path in (tmp_path / 'labels').iterdir()] == [RULES]


def test_no_rules_or_damaged_ones(tmp_path: Path) -> None:
    assert read_rules(tmp_path / 'gone') is None and read_rules(tmp_path) is None
    for text in ('{"thr', '[]', '{"treshold": 0.2}', '{"background_cue": {"threshold": "high"}}'):
        (tmp_path / RULES).write_text(text)
        assert read_rules(tmp_path) is None
