""".github/workflows: what they run is there, and they may do no more than they need."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from mmdrs.version import __version__
from tests.pipeline_runs import ROOT
from tests.project.setup_script import read_setup
from tests.project.workflows import FOLDER, Job, all_jobs, combinations, commands, read_workflow

FILES = sorted(FOLDER.glob('*.yml'))
JOBS = [pytest.param(file, job, id=f'{file}:{name}') for file, name, job in all_jobs()]
MAKEFILE = (ROOT / 'Makefile').read_text().replace('\\\n', ' ')
SETS = re.findall(r'\(\$\(DEPS\),(\w+)\)', MAKEFILE)


def test_there_are_all() -> None:
    names = {'newest', 'other-systems', 'package', 'release', 'tests'}
    assert {path.stem for path in FILES} == names
    assert SETS == ['onedl', 'openmmlab']


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
def test_permissions_and_concurrency(path: Path) -> None:
    workflow = read_workflow(path)
    assert workflow['name'] and workflow['on']
    assert workflow['permissions'] == {'contents': 'read'}
    # Not github.workflow: in a called workflow that is the caller, which would wait for itself.
    assert workflow['concurrency']['group'].split('-$')[0] == path.stem
    for job in workflow['jobs'].values():
        assert 'uses' in job or 5 <= job['timeout-minutes'] <= 150


def test_only_the_release_may_write() -> None:
    granted = {
        (file, name): job['permissions'] for file, name, job in all_jobs() if 'permissions' in job
    }
    assert granted == {
        ('release.yml', 'publish'): {'id-token': 'write'},
        ('release.yml', 'notes'): {'contents': 'write'},
    }
    assert 'secrets.' not in ''.join(path.read_text() for path in FILES)


@pytest.mark.parametrize(('file', 'job'), JOBS)
def test_actions_are_pinned(file: str, job: Job) -> None:
    if 'uses' in job:
        assert (ROOT / job['uses']).is_file()
        assert 'workflow_call' in read_workflow(ROOT / job['uses'])['on']
        return
    assert re.fullmatch(r'ubuntu-24\.04|\$\{\{ matrix\.system \}\}', job['runs-on'])
    assert all('latest' not in str(combination) for combination in combinations(job))
    for step in job['steps']:
        assert ('run' in step) != ('uses' in step)
        if 'uses' in step:
            action, _, version = step['uses'].partition('@')
            assert re.fullmatch(r'v\d+|release/v\d+|[0-9a-f]{40}', version), step['uses']
            assert action.startswith('actions/') or action == 'pypa/gh-action-pypi-publish'
            # No later step of the job finds the token of the checkout.
            if action == 'actions/checkout':
                assert step['with']['persist-credentials'] is False
            elif action == 'actions/setup-python':
                assert isinstance(step['with']['python-version'], str)


@pytest.mark.parametrize(('file', 'job'), JOBS)
def test_make_is_called_as_the_makefile_has_it(file: str, job: Job) -> None:
    (phony,) = re.findall(r'^\.PHONY:(.*)', MAKEFILE, re.MULTILINE)
    variables = set(re.findall(r'^(\w+) [:?]?=', MAKEFILE, re.MULTILINE)) | {'LEFT_OUT'}
    for command in commands(job):
        assert '${{' not in command, command
        for line in re.findall(r'\bmake .*', command):
            target, *settings = shlex.split(line)[1:]
            assert target in phony.split(), line
            given = dict(setting.split('=', 1) for setting in settings)
            assert given.keys() <= variables, line
            assert given.get('DEPS', 'onedl') in SETS and given['PYTHON'] == 'python', line


@pytest.mark.parametrize(('file', 'job'), JOBS)
def test_files_that_are_named_exist(file: str, job: Job) -> None:
    for command in commands(job):
        for word in shlex.split(command, comments=True):
            path = word.rpartition('=')[2].partition('::')[0].removeprefix('source/')
            if path.startswith(('requirements/', 'tests/', 'mmdrs/', 'tools/')):
                assert (ROOT / path).exists(), word
    for group in re.findall(r'--deselect=(\S+)', ' '.join(commands(job))):
        path, _, name = group.partition('::')
        assert f'def {name}(' in (ROOT / path).read_text()


def test_tests_run_on_all_versions_and_both_sets() -> None:
    lowest, above = re.findall(r'3\.(\d+)', read_setup()[1]['python_requires'])
    pythons = [f'3.{minor}' for minor in range(int(lowest), int(above))]
    jobs = {(file, name): job for file, name, job in all_jobs()}
    tests = combinations(jobs['tests.yml', 'test'])
    found = {(item['python'], item['set']['deps'], item['set']['target']) for item in tests}
    targets = {'onedl': 'test', 'openmmlab': 'test-set'}
    assert found == {(python, *pair) for python in pythons for pair in targets.items()}
    for (file, name), job in jobs.items():
        for item in combinations(job):
            assert item.get('python', pythons[0]) in pythons, (file, name)
            assert item.get('deps', SETS[0]) in SETS
        for step in job.get('steps', []):
            python = step.get('with', {}).get('python-version', pythons[0])
            assert python in (*pythons, '${{ matrix.python }}'), (file, name)


def test_the_local_run_has_the_same_targets() -> None:
    """`.ci/run` and tests.yml: one checks what the other checks."""
    local = re.findall(r'^make (.*)', (ROOT / '.ci' / 'run').read_text(), re.MULTILINE)
    texts = [text for file, _, job in all_jobs() if file == 'tests.yml' for text in commands(job)]
    made = {text.removeprefix('make ').removesuffix(' PYTHON=python') for text in texts}
    default = f' DEPS={SETS[0]}'
    missing = {line.replace(default, '') for line in local} - {
        text.replace(default, '') for text in made
    }
    assert local and missing == set()


def test_the_documentation_is_kept() -> None:
    (job,) = (job for file, name, job in all_jobs() if (file, name) == ('tests.yml', 'docs'))
    (kept,) = (step['with'] for step in job['steps'] if 'upload' in step.get('uses', ''))
    assert re.search(rf'^\t.* docs {kept["path"]}$', MAKEFILE, re.MULTILINE)
    assert kept['if-no-files-found'] == 'error'


def test_only_light_parts_run_on_other_systems() -> None:
    (job,) = (job for file, _, job in all_jobs() if file == 'other-systems.yml')
    assert {item['system'].split('-')[0] for item in combinations(job)} == {'windows', 'macos'}
    (line,) = {text for text in commands(job) if 'pytest' in text}
    assert 'bash' in str(job['defaults']) and len(re.findall(r'\btests/', line)) > 10


def test_issue_automation_updates_actions() -> None:
    content = yaml.safe_load((ROOT / '.github' / 'dependabot.yml').read_text())
    assert content['version'] == 2
    assert [update['package-ecosystem'] for update in content['updates']] == ['github-actions']


def release_step(name: str) -> str:
    steps = [step for file, _, job in all_jobs() for step in job.get('steps', [])]
    (text,) = (step['run'] for step in steps if step.get('name', '').startswith(name))
    return text


def run_step(text: str, folder: Path, tag: str) -> subprocess.CompletedProcess:
    environment = {'PATH': '/usr/local/bin:/usr/bin:/bin', 'GITHUB_REF_NAME': tag}
    return subprocess.run(
        ['bash', '-euo', 'pipefail', '-c', text],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Of the repository what the steps of a release read."""
    (tmp_path / 'mmdrs').mkdir()
    version = (ROOT / 'mmdrs' / 'version.py').read_text()
    (tmp_path / 'mmdrs' / 'version.py').write_text(version)
    older = '## 0.0.1\n\n* Old.\n'
    text = f'# Changelog\n\n## {__version__}\n\n* **New** `x`.\n  More.\n\n{older}'
    (tmp_path / 'CHANGELOG.md').write_text(text)
    return tmp_path


def test_release_compares_the_tag_with_the_version(clone: Path) -> None:
    text = release_step('Compare the tag')
    assert run_step(text, clone, f'v{__version__}').returncode == 0
    for tag in (__version__, 'v9.9.9', f'v{__version__}.1'):
        done = run_step(text, clone, tag)
        assert done.returncode == 1 and f'The tag is {tag}' in done.stdout
    changelog = clone / 'CHANGELOG.md'
    changelog.write_text(changelog.read_text().replace(__version__, f'{__version__} (unreleased)'))
    done = run_step(text, clone, f'v{__version__}')
    assert done.returncode == 1 and 'CHANGELOG.md has no line' in done.stdout


def test_release_notes_are_those_of_the_version(clone: Path) -> None:
    text = release_step('Take the notes')
    assert run_step(text, clone, f'v{__version__}').returncode == 0
    assert (clone / 'notes.md').read_text().strip() == '* **New** `x`.\n  More.'
    jobs = read_workflow(FOLDER / 'release.yml')['jobs']
    assert jobs['publish']['needs'] == ['tests', 'package'] and jobs['notes']['needs'] == 'publish'
    assert jobs['tests']['needs'] == jobs['package']['needs'] == 'version'
