"""Write docs/settings.md, the tables of all settings, from the settings file and its comments.

    python docs/settings_page.py

A setting is an assignment of ``configs/custom/settings_custom.py``. Its meaning is the comment
above it or at the end of its line, or both. A line ``# --- Title ---`` starts a table.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parent
SETTINGS = DOCS.parent / 'configs' / 'custom' / 'settings_custom.py'
PAGE = DOCS / 'settings.md'
#: Characters of a default; a longer one is shortened.
WIDEST = 96

_HEAD = """\
# Settings

A settings file says what your data are and how the stages learn. `mmdrs init` writes one for your
data. A file that starts with

```python
_base_ = 'mmdrs::custom/settings_custom.py'
```

inherits every setting that it does not name from
[settings_custom.py](../configs/custom/settings_custom.py), which has the defaults below. You can
also give a setting on the command line; a dot leads into a `dict`:

```shell
mmdrs run settings.py --work-dir run --cfg-options seed=1 pseudo_labels.threshold=0.1
```

`STAGE.key=value` changes the config of one stage only, such as
`segmentation.train_dataloader.batch_size=4`. A key that no stage reads is an error.
A default with `...` is shortened; the file shows all of it.
"""
_FOOT = """
The stage `pretraining`, which trains a first classifier from scratch where there are no pretrained
weights, has three settings more: `pretraining_epochs`, `pretraining_optimizer` and
`pretraining_schedule` ([pretraining_custom.py](../configs/custom/pretraining_custom.py)).
`custom_imports` imports modules of your own before a stage is built
([Parts of your own](extending.md)).

*This page is made from the settings file by `python docs/settings_page.py`.*
"""


class Setting(NamedTuple):
    """A setting: its section, its name, its default as it is written, and its meaning."""

    section: str
    name: str
    default: str
    meaning: str


def read_settings(text: str) -> Iterator[Setting]:
    """Yield the settings of a settings file, in order."""
    lines = text.splitlines()
    section, used = '', 0
    for node in ast.parse(text).body:
        comments: list[str] = []
        for line in lines[used : node.lineno - 1]:
            if title := re.fullmatch(r'# --- (.+?) -+', line):
                section, comments = title[1], []
            elif line.startswith('#'):
                comments.append(line[1:])
            else:  # an empty line: what is above it is about the file
                comments = []
        used = node.end_lineno
        after = lines[used - 1].encode()[node.end_col_offset :].decode()
        meaning = _one_line([*comments, after.strip().lstrip('#')])
        yield Setting(section, node.targets[0].id, _default(text, node.value), meaning)


def _one_line(comments: list[str]) -> str:
    """The comments as text, with a capital letter and a full stop."""
    text = ' '.join(comment.strip() for comment in comments if comment.strip())
    return f'{text[0].upper()}{text[1:].removesuffix(".")}.' if text else ''


def _default(text: str, value: ast.expr) -> str:
    """The default as it is written, shortened to its type where it is long."""
    written = ast.get_source_segment(text, value)
    written = ast.unparse(value) if '\n' in written else written
    if len(written) <= WIDEST:
        return written
    kinds = [key for key in value.keywords if key.arg == 'type']
    return f'dict({"".join(f"type={ast.unparse(key.value)}, " for key in kinds)}...)'


def page(text: str) -> str:
    """The page of a settings file."""
    parts, section = [_HEAD], ''
    for setting in read_settings(text):
        if setting.section != section:
            section = setting.section
            parts.append(f'\n## {section}\n\n| setting | default | meaning |\n|---|---|---|\n')
        cells = (f'`{setting.name}`', f'`{setting.default}`', setting.meaning)
        parts.append(f'| {" | ".join(cell.replace("|", chr(92) + "|") for cell in cells)} |\n')
    return ''.join([*parts, _FOOT])


if __name__ == '__main__':
    PAGE.write_text(page(SETTINGS.read_text(encoding='utf-8')), encoding='utf-8')
