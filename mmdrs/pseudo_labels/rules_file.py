"""The rules of a folder of labels, beside them: what a network that learns from it is trained on.

Each label has a record of its own, but one without the source of the saliency maps: labels are not
made again for another text. This file is written by every run that makes or checks the labels.
"""

from pathlib import Path

from mmdrs.errors import InputError
from mmdrs.files import write_json
from mmdrs.pseudo_labels.output_paths import RULES
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.reading import read_json, reading


def write_rules(folder: str | Path, rules: LabelRules) -> None:
    """Write the rules of all labels of a folder; in one process."""
    write_json(Path(folder) / RULES, rules.to_config())


def read_rules(folder: str | Path) -> LabelRules | None:
    """The rules of the labels of a folder.

    None where it holds no such file or a damaged one: masks, labels of earlier versions or of
    other programs.
    """
    path = Path(folder) / RULES
    try:
        content = read_json(path, 'file of label rules')
        with reading(path, 'file of label rules'):
            return LabelRules.from_config(content)
    except InputError:
        return None
