"""The code of README and docs, run from an installed wheel, or accepted where it cannot run."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.docs.blocks import Block, blocks_of, commands_of, documents
from tests.docs.made_up_data import fill
from tests.docs.substitutes import (
    CHANGED,
    FIRST,
    FOLDERS,
    NEEDS,
    PARSED,
    PLACEHOLDERS,
    PYTHON_CHANGED,
)
from tests.pipeline_runs import ROOT
from tests.test_packaging import build, source  # noqa: F401 - a fixture

Job = dict[str, Any]
#: Languages of blocks; others, such as `sh`, would not be looked at.
LANGUAGES = {'python', 'shell', 'text', 'yaml', 'json', 'toml', 'bibtex', 'dockerfile'}
STARTED = 'docs/get_started.md'


@pytest.fixture(scope='module')
def commands(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[list[str]]]:
    """The commands of each document, as a shell reads them."""
    folder = tmp_path_factory.mktemp('shells')
    return {name: commands_of(name, folder / str(n)) for n, name in enumerate(documents())}


def test_languages() -> None:
    for document in documents():
        for block in blocks_of(document):
            assert block.language in LANGUAGES, block.place


def test_make_and_pip(commands: dict[str, list[list[str]]]) -> None:
    """Targets and extras exist; neither is run."""
    targets = re.findall(r'^([\w-]+):', (ROOT / 'Makefile').read_text(), re.MULTILINE)
    extras = re.findall(r"'(\w+)': read_requirements", (ROOT / 'setup.py').read_text())
    found = [command for known in commands.values() for command in known]
    assert ['make', 'demo'] in found and 'demo' in targets and 'onedl' in extras
    for program, *arguments in found:
        if program == 'make':
            assert {a for a in arguments if '=' not in a} <= {*targets}, arguments
        if program == 'pip':
            named = re.findall(r'(?:\.|mmdrs)\[([\w,]+)\]', ' '.join(arguments))
            assert {extra for part in named for extra in part.split(',')} <= {*extras}, arguments


def test_named_files_exist(commands: dict[str, list[list[str]]]) -> None:
    """Those of the repository: configs by path or name, variants, tools."""
    for document, known in commands.items():
        for argument in (part for command in known for part in command):
            if re.match(r'(configs|docs|tests|tools)/', argument):
                assert (ROOT / argument).exists(), (document, argument)
            if name := re.search(r'mmdrs::(\S+\.py)', argument):
                assert (ROOT / 'configs' / name[1]).is_file(), (document, argument)


def all_jobs(commands: dict[str, list[list[str]]], root: Path) -> list[Job]:
    """The commands, each once, and the Python blocks, by document; :data:`FIRST` come first."""
    jobs: dict[tuple[str, str], Job] = {}
    for document, known in commands.items():
        # The commands of the first steps are those of the other documents.
        folder = '.' if document == STARTED else FOLDERS.get(document, '.')
        for arguments in known:
            if arguments[0] not in ('make', 'pip'):
                text = shlex.join(arguments)
                jobs.setdefault((folder, text), command_job(document, folder, text))
        for block in blocks_of(document):
            if block.language == 'python':
                jobs[folder, block.place] = python_job(block, root)
    first = [jobs.pop(('.', text)) for text in FIRST]
    return [job for job in (*first, *jobs.values()) if job]


def command_job(document: str, folder: str, text: str) -> Job:
    """Run a command, or parse its arguments; nothing where what it needs is not installed."""
    if any(part in text and not find_spec(module) for part, module in NEEDS.items()):
        return {}
    parsed = text not in CHANGED and any(text.startswith(prefix) for prefix in PARSED)
    if not parsed and text not in CHANGED:
        assert text.startswith('mmdrs '), (
            f'{document}: {text!r} is neither run nor parsed: add it to tests/docs/substitutes.py'
        )
    words = shlex.split(CHANGED.get(text, '{}').format(text))
    words = [PLACEHOLDERS.get(word, word) for word in words]
    kind = 'parse' if parsed else 'run'
    return dict(kind=kind, folder=folder, place=f'{document}: {text}', arguments=words)


def python_job(block: Block, root: Path) -> Job:
    """Run a script, import a module, or read a config; the block becomes a file."""
    folder = FOLDERS.get(block.document, '.')
    text = block.text
    for given, changed in PYTHON_CHANGED.items():
        text = text.replace(given, changed)
    imports = re.search(r'^(import|from) ', text, re.MULTILINE)
    kind = 'config' if not imports else 'module' if block.file else 'script'
    name = block.file or f'{Path(block.document).stem}_{block.line}.py'
    (root / folder).mkdir(exist_ok=True)
    (root / folder / name).write_text(text)
    return dict(kind=kind, folder=folder, place=block.place, file=name)


def test_every_block_runs(
    source: Path,  # noqa: F811
    commands: dict[str, list[list[str]]],
    tmp_path: Path,
) -> None:
    """One process does all jobs: its imports take longer than most of them."""
    zipfile.ZipFile(build(source, 'bdist_wheel')).extractall(tmp_path / 'site')
    shutil.rmtree(source)
    folder = tmp_path / 'user'
    fill(folder)
    listed = {shlex.join(command) for known in commands.values() for command in known}
    assert {*CHANGED, *FIRST} <= listed
    assert all(any(text.startswith(prefix) for text in listed) for prefix in PARSED)
    started = shlex.split('mmdrs init photos --out settings.py --checkpoint none')
    last = dict(kind='run', folder='started', place=STARTED, arguments=started)
    jobs = [*all_jobs(commands, folder), last]
    results = done(jobs, folder, tmp_path / 'site')
    failed = [
        f'{job["place"]}: {found["error"]}\n{found["output"][-500:]}'
        for job, found in zip(jobs, results, strict=True)
        if found['error']
    ]
    assert not failed, '\n'.join(failed)
    assert [job['kind'] for job in jobs].count('run') >= 25
    check_made(folder)
    texts = [block.text for block in blocks_of(STARTED) if block.language == 'text']
    assert results[-1]['output'] in texts


def done(jobs: list[Job], folder: Path, site: Path) -> list[dict[str, str]]:
    """The results of the jobs, done in ``folder`` by the package in ``site``."""
    (folder / 'jobs.json').write_text(json.dumps(jobs))
    runner = (ROOT / 'tests' / 'docs' / 'runner.py').read_text()
    ended = subprocess.run(
        [sys.executable, '-c', runner],
        cwd=folder,
        env=dict(os.environ, PYTHONPATH=str(site)),
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    used, results = json.loads((folder / 'results.json').read_text())
    assert Path(used).is_relative_to(site)
    return results


def check_made(folder: Path) -> None:
    """What the commands have left."""
    for made in (
        *('masks/masks/new_photo.png', 'predictions/overlays/new_photo.jpg', 'masks.json'),
        *('drs.png', 'gallery.png', 'project/tagged_cls.csv', 'project/settings_tagged.py'),
    ):
        assert (folder / made).is_file(), made
    assert len(list((folder / 'photos' / 'saliency_map').rglob('*.png'))) == 6
    assert len(list((folder / 'summed').rglob('*.npz'))) == 6
    assert len(list((folder / 'started' / 'photos').rglob('*.jpg'))) == 64
    assert (folder / 'run' / 'self_evaluation_1').is_dir()
    merged = np.asarray(Image.open(folder / 'merged' / 'x.png'))
    assert (merged[:, 8:56] == 12).all() and (merged == 12).sum() == 48 * 48
