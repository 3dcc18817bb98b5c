"""``KEY=VALUE``: MMEngine's syntax, but blanks stay and quotes make text."""

from pathlib import Path
from typing import Any

import pytest
from mmengine.config import DictAction

from mmdrs.apis import load_config
from mmdrs.cli.arguments import command_parser, parse_run_arguments
from mmdrs.cli.options import parse_value
from mmdrs.pipeline import load_settings
from mmdrs.pseudo_labels.crf import DenseCRF
from mmdrs.pseudo_labels.rules import LabelRules
from tests.pipeline_runs import SETTINGS


@pytest.mark.parametrize(
    'text',
    [
        *('1', '-2', '+3', '0', '0.5', '1e-3', '-.5', 'inf', 'true', 'False', 'None', '', 'text'),
        *('1,2,3', '[a, b, c]', '[(1, 2, 3), [a, b], c]', '(1,)', '[]', '()', '[1,]', '1,,2'),
        *('"[1,2]"', "'(a,b)'", '[[1,2],[3]]', '[layer[56].*activate]', r'features\\.(0|3)'),
        *('layer7.*activate', 'https://a.b/c=d', 'mmdrs::a/b.py', '1e5,2'),
    ],
)
def test_as_mmengine(text: str) -> None:
    found, expected = parse_value(text), DictAction._parse_iterable(text)
    assert (found, repr(found)) == (expected, repr(expected))


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('My Drive/data', 'My Drive/data'),
        ('[background,traffic light, cat ]', ['background', 'traffic light', 'cat']),
        ('"2012"', '2012'),
        ("['7', 8]", ['7', 8]),
        ('"a, b"', 'a, b'),
        ("['a, (b', c]", ['a, (b', 'c']),
        ("John's data", "John's data"),
        ("[it's, 'b c']", ["it's", 'b c']),
        ('007', '007'),
        ('1_000', '1_000'),
        ('(1,2),(3,4)', [(1, 2), (3, 4)]),
        (r'C:\\new data', r'C:\\new data'),
        ('{}', {}),
        ('dict()', {}),
        ("'{}'", {}),
        ('{a: 1, "b":[1,2], c: {d: two words}}', dict(a=1, b=[1, 2], c=dict(d='two words'))),
        ("dict(type='power', exponent=2, x='a, b')", dict(type='power', exponent=2, x='a, b')),
        ('[{a: 1}, {a: None}]', [dict(a=1), dict(a=None)]),
        ('{a} of b', '{a} of b'),
        ('a:b', 'a:b'),
    ],
)
def test_without_losses(text: str, expected: Any) -> None:
    assert parse_value(text) == expected


@pytest.mark.parametrize(
    ('argument', 'message'),
    [
        ('a', "'a' is not KEY=VALUE"),
        ('a=[1,(2,3]', 'its brackets do not match'),
        ('a={b}', "'b' in a dict is not KEY:VALUE"),
    ],
)
def test_errors(argument: str, message: str, capsys) -> None:
    with pytest.raises(SystemExit):
        parse_run_arguments(command_parser('A tool.'), ['--cfg-options', argument])
    assert message in capsys.readouterr().err


def test_numbers_are_text_where_text_is(tmp_path: Path) -> None:
    """The folder `2012`, and classes that are called by numbers."""
    path = tmp_path / 'config.py'
    path.write_text(
        "model = dict(name='a', depth=3, parts=['a', 'b'], sizes=[1, 2])\nwork_dir = None\n"
    )
    options = {
        'model.name': 2012,
        'model.depth': 2012,
        'model.parts': ['a', 7],
        'model.sizes': [3, 4],
        'work_dir': 5,
    }
    cfg = load_config(path, options)
    assert cfg.model.to_dict() == dict(name='2012', depth=2012, parts=['a', '7'], sizes=[3, 4])
    assert cfg.work_dir == '5'


def test_an_empty_dict_is_a_crf_with_its_defaults(tmp_path: Path) -> None:
    """It was the text `{}`, and an error after hours, or no CRF."""
    pytest.importorskip('pydensecrf')
    for value in ('{}', 'dict()'):
        argv = ['--cfg-options', f'pseudo_labels.crf={value}']
        options = parse_run_arguments(command_parser('A tool.'), argv).cfg_options
        settings = load_settings(SETTINGS, options)
        assert LabelRules.from_config(settings['pseudo_labels']).crf == DenseCRF()
        settings.save(tmp_path / 'settings.py')  # what the stages inherit
        stored = load_settings(tmp_path / 'settings.py')
        assert LabelRules.from_config(stored['pseudo_labels']).crf == DenseCRF()
