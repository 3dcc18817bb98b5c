""".github/ISSUE_TEMPLATE: the forms have what GitHub's schema of forms asks for."""

import re
from pathlib import Path

import pytest
import yaml

import mmdrs_command
from tests.pipeline_runs import ROOT

FOLDER = ROOT / '.github' / 'ISSUE_TEMPLATE'
FORMS = sorted(path for path in FOLDER.glob('*.yml') if path.name != 'config.yml')
#: Keys of ``attributes`` by the type of an element: those that must be there, and others.
ATTRIBUTES = {
    'markdown': ({'value'}, set()),
    'textarea': ({'label'}, {'description', 'placeholder', 'value', 'render'}),
    'input': ({'label'}, {'description', 'placeholder', 'value'}),
    'dropdown': ({'label', 'options'}, {'description', 'multiple', 'default'}),
    'checkboxes': ({'label', 'options'}, {'description'}),
}
PLAIN_KEYS = {'name', 'description', 'body', 'labels', 'title', 'assignees'}


def test_there_are_all() -> None:
    assert [path.stem for path in FORMS] == ['bug', 'feature', 'question']


@pytest.mark.parametrize('path', FORMS, ids=lambda path: path.stem)
def test_form(path: Path) -> None:
    form = yaml.safe_load(path.read_text(encoding='utf-8'))
    assert {'name', 'description', 'body'} <= form.keys() <= PLAIN_KEYS
    assert all(isinstance(form[key], str) and form[key].strip() for key in ('name', 'description'))
    fields = [element for element in form['body'] if element['type'] != 'markdown']
    assert fields and any(needed(element) for element in fields)
    for key in ('id', 'label'):
        values = [element['attributes'].get(key, element.get(key)) for element in fields]
        assert None not in values and len(values) == len(set(values)), key
    for element in form['body']:
        must, may = ATTRIBUTES[element['type']]
        assert must <= element['attributes'].keys() <= must | may
        assert element.keys() <= {'type', 'id', 'attributes', 'validations'}
        assert element.get('validations', {}).keys() <= {'required'}
        assert re.fullmatch(r'[\w-]+', element.get('id', 'x'))
        for option in element['attributes'].get('options', []):
            assert isinstance(option, str) or {'label'} <= option.keys() <= {'label', 'required'}


def needed(element: dict) -> bool:
    options = element['attributes'].get('options', [])
    ticks = [option.get('required', False) for option in options if isinstance(option, dict)]
    return element.get('validations', {}).get('required', False) or any(ticks)


def test_a_bug_report_asks_for_the_command_and_the_environment() -> None:
    form = yaml.safe_load((FOLDER / 'bug.yml').read_text(encoding='utf-8'))
    fields = {element.get('id'): element for element in form['body']}
    for name in ('what', 'command', 'output', 'doctor'):
        assert needed(fields[name]), name
    assert '`mmdrs doctor --json -`' in fields['doctor']['attributes']['label']
    for path in FORMS:
        for name in re.findall(r'`mmdrs (\w+)', path.read_text(encoding='utf-8')):
            assert name in mmdrs_command.COMMANDS


def test_links_beside_the_forms() -> None:
    config = yaml.safe_load((FOLDER / 'config.yml').read_text(encoding='utf-8'))
    assert config['blank_issues_enabled'] is False
    for link in config['contact_links']:
        assert link.keys() == {'name', 'url', 'about'} and link['url'].startswith('https://')


def test_pull_request_template_names_what_exists() -> None:
    text = (ROOT / '.github' / 'pull_request_template.md').read_text(encoding='utf-8')
    makefile = (ROOT / 'Makefile').read_text()
    targets = re.findall(r'`make ([\w-]+)', text)
    assert targets and all(f'\n{target}:' in makefile for target in targets)
    for name in ('CONTRIBUTING.md', 'CHANGELOG.md', 'docs/'):
        assert name in text and (ROOT / name).exists()
