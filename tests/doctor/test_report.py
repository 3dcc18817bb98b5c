"""Findings as text and JSON."""

import json
from pathlib import Path

import pytest

from mmdrs.doctor.report import tell
from mmdrs.findings import Finding

NOTE = Finding('note', 'image_dir', '1 image is in no list', ('a.jpg',))
ERROR = Finding('error', 'mask_dir', '7 wrong files', tuple('abcdefg'), 'Make them again.')


def test_text_tells_errors_first(capsys: pytest.CaptureFixture) -> None:
    assert tell([NOTE, ERROR], dict(torch='2.6')) == 1
    assert capsys.readouterr().out.splitlines() == [
        'torch: 2.6',
        '',
        'ERROR  mask_dir: 7 wrong files:',
        *(f'    {letter}' for letter in 'abcde'),
        '    ... and 2 more',
        '  Make them again.',
        '',
        'NOTE  image_dir: 1 image is in no list:',
        '    a.jpg',
        '',
        '1 error, 0 warnings, 1 note',
    ]


def test_only_errors_make_another_exit_code(capsys: pytest.CaptureFixture) -> None:
    assert tell([NOTE], {}) == 0
    assert tell([], {}) == 0
    assert '0 errors, 0 warnings, 0 notes' in capsys.readouterr().out


def test_json_has_all_examples(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert tell([NOTE, ERROR], dict(torch='2.6'), '-') == 1
    printed = json.loads(capsys.readouterr().out)
    tell([NOTE, ERROR], dict(torch='2.6'), str(tmp_path / 'a.json'))
    assert json.loads((tmp_path / 'a.json').read_text()) == printed
    assert (printed['errors'], printed['facts']) == (1, dict(torch='2.6'))
    assert printed['findings'][0] == dict(
        severity='error',
        where='mask_dir',
        message='7 wrong files',
        examples=[*'abcdefg'],
        remedy='Make them again.',
    )
