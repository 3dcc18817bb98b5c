"""docker/: what can be said of the images without building them."""

import fnmatch
import os
import re
import shlex
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.pipeline_runs import ROOT
from tests.project.dockerfiles import Stage, read_dockerfile
from tests.project.setup_script import read_setup
from tests.test_packaging import build, read_requirements

FILES = sorted((ROOT / 'docker').glob('Dockerfile*'))
SETS = ('onedl', 'openmmlab')
#: The Python that a base image brings, or that its distribution has.
UBUNTU_PYTHON = {'ubuntu24.04': '3.12', 'ubuntu22.04': '3.10'}


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def stages(request: pytest.FixtureRequest) -> list[Stage]:
    return read_dockerfile(request.param)


def test_there_is_one_for_cpus_and_one_for_gpus() -> None:
    assert [path.name for path in FILES] == ['Dockerfile', 'Dockerfile.cuda']
    cpu, cuda = ((ROOT / 'docker' / path.name).read_text() for path in FILES)
    assert 'whl/cpu\n' in cpu and re.search(r'whl/cu(\d\d)(\d)\n', cuda)
    (toolkit,) = re.findall(r'ARG CUDA=(\d+)\.(\d+)\.\d+\n', cuda)
    assert ''.join(toolkit) == ''.join(re.search(r'whl/cu(\d\d)(\d)\n', cuda).groups())


def test_bases_are_pinned_and_have_a_supported_python(stages: list[Stage]) -> None:
    lowest, above = re.findall(r'3\.(\d+)', read_setup()[1]['python_requires'])
    for stage in stages:
        image, _, tag = stage.base.partition(':')
        assert tag and 'latest' not in tag, stage.base
        if image == 'python':
            python = tag.split('-')[0]
        else:
            python = UBUNTU_PYTHON[tag.rpartition('-')[2]]
            for text in stage.texts('RUN'):
                assert set(re.findall(r'python(3\.\d+)', text)) <= {python}
        assert int(lowest) <= int(python.split('.')[1]) < int(above)
    # An environment moves between stages with the interpreter that made it at the same place.
    assert len({stage.base.replace('-slim', '') for stage in stages}) == 1


def test_last_stage_runs_mmdrs_as_somebody_else_than_root(stages: list[Stage]) -> None:
    last = stages[-1]
    (user,) = last.texts('USER')
    assert user not in ('root', '0') and f'useradd --create-home {user}' in ' '.join(
        last.texts('RUN')
    )
    instructions = [name for name, _ in last.steps]
    assert 'RUN' not in instructions[instructions.index('USER') :]
    assert last.texts('ENTRYPOINT') == ['["mmdrs"]'] and last.texts('CMD') == ['["--help"]']
    assert last.texts('VOLUME') == last.texts('WORKDIR') == ['/workspace']
    # Neither the sources nor what builds them.
    assert last.texts('COPY') == [f'--from={stages[0].name} /opt/mmdrs /opt/mmdrs']
    assert 'pip' not in ' '.join(last.texts('RUN'))


def test_pip_uses_constraints_and_requirements_that_exist(stages: list[Stage]) -> None:
    commands = [text for stage in stages for text in stage.texts('RUN') if ' pip ' in text]
    assert len(commands) == 3
    assert 'DEPS=onedl' in stages[0].texts('ARG')
    for command in commands:
        assert '-c requirements/constraints.txt' in command
        for name in SETS:
            words = shlex.split(command.replace('$DEPS', name))
            files = [word for word in words if word.endswith('.txt')]
            assert files and all((ROOT / file).is_file() for file in files)
            assert all(read_requirements(Path(file).name) for file in files)


def test_layers_keep_no_lists_of_packages(stages: list[Stage]) -> None:
    for stage in stages:
        for text in stage.texts('RUN'):
            if 'apt-get' in text:
                assert 'apt-get update && apt-get install -y --no-install-recommends' in text
                assert text.endswith('&& rm -rf /var/lib/apt/lists/*')
        assert stage.texts('ADD') == []
    assert 'PIP_NO_CACHE_DIR=1' in ' '.join(stages[0].texts('ENV'))


def test_no_model_is_downloaded(stages: list[Stage]) -> None:
    for text in (text for stage in stages for text in stage.texts('RUN')):
        assert not re.search(r'curl|wget|mim |torch\.hub|\.pth', text), text


def ignored(name: str) -> bool:
    """Whether .dockerignore leaves a file out; its last matching line decides."""
    found = False
    for line in (ROOT / '.dockerignore').read_text().splitlines():
        pattern = line.lstrip('!')
        if line and not line.startswith('#'):
            parts = Path(name).parts
            heads = ['/'.join(parts[:count]) for count in range(1, len(parts) + 1)]
            tails = parts if pattern.startswith('**/') else heads
            if any(fnmatch.fnmatchcase(head, pattern.removeprefix('**/')) for head in tails):
                found = not line.startswith('!')
    return found


def test_context_has_what_is_copied_and_nothing_else(stages: list[Stage]) -> None:
    copied = [source for stage in stages for source in stage.copied()]
    assert copied
    for source in copied:
        path = ROOT / source
        files = [path] if path.is_file() else [item for item in path.rglob('*') if item.is_file()]
        assert files, source
        for file in files:
            name = file.relative_to(ROOT).as_posix()
            made = '__pycache__' in name or name.startswith('mmdrs/.mim/')
            assert ignored(name) == made, name
    shown = {name for name in os.listdir(ROOT) if not ignored(name)}
    assert shown == {*copied}
    made = ('mmdrs/cli/__pycache__/run.pyc', 'mmdrs/.mim/configs/a.py', 'work_dirs/a.pth')
    for name in (*made, '.git/config', '.venv/bin/python', 'data/a.jpg', 'tests/a.py'):
        assert ignored(name)


def test_what_is_copied_is_enough_for_a_wheel(stages: list[Stage], tmp_path: Path) -> None:
    for source in (source for stage in stages for source in stage.copied()):
        if (ROOT / source).is_dir():
            leave = shutil.ignore_patterns('__pycache__', '.mim')
            shutil.copytree(ROOT / source, tmp_path / source, ignore=leave)
        else:
            shutil.copyfile(ROOT / source, tmp_path / source)
    names = zipfile.ZipFile(build(tmp_path, 'bdist_wheel')).namelist()
    assert {'mmdrs_command.py', 'mmdrs/.mim/model-index.yml'} < {*names}
