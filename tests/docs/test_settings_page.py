"""docs/settings.md: the tables of the settings file."""

import runpy
from typing import Any

from mmengine.config import Config

from mmdrs.apis.shared_settings import SHARED_KEYS
from mmdrs.pipeline.settings import PIPELINE_KEYS
from tests.docs.documents import DOCS

MAKER: dict[str, Any] = runpy.run_path(str(DOCS / 'settings_page.py'))
TEXT = MAKER['SETTINGS'].read_text(encoding='utf-8')


def test_the_page_is_that_of_the_settings_file() -> None:
    """If this fails, run `python docs/settings_page.py` and commit the page."""
    assert MAKER['PAGE'].read_text(encoding='utf-8') == MAKER['page'](TEXT)


def test_the_page_has_all_settings() -> None:
    found = [setting.name for setting in MAKER['read_settings'](TEXT)]
    assert found == list(Config.fromfile(MAKER['SETTINGS']).to_dict())
    others = {*SHARED_KEYS, *PIPELINE_KEYS} - {*found, 'work_dir'}  # that of --work-dir
    assert all(f'`{key}`' in MAKER['page'](TEXT) for key in others)


def test_every_setting_says_what_it_means() -> None:
    for setting in MAKER['read_settings'](TEXT):
        assert len(setting.meaning) > 8 and setting.section, setting.name


def test_a_setting_is_read_with_its_comments() -> None:
    text = r"""# About the file.

# --- Paths ---
# Images to learn
# from.
train = [r'a\d']  # a list
size = 3

# --- Network ----
# any | one
backbone = dict(type='VGG', depths=(
    (1, 2, 3, 4, 5, 6, 7, 8, 9, 10), (1, 2, 3, 4, 5, 6, 7, 8, 9, 10), (1, 2, 3, 4, 5)
))
"""
    assert [tuple(setting) for setting in MAKER['read_settings'](text)] == [
        ('Paths', 'train', r"[r'a\d']", 'Images to learn from. a list.'),
        ('Paths', 'size', '3', ''),
        ('Network', 'backbone', "dict(type='VGG', ...)", 'Any | one.'),
    ]
    assert "| `backbone` | `dict(type='VGG', ...)` | Any \\| one. |\n" in MAKER['page'](text)
