"""What is installed: the package, its pinned requirements, and `.mim` with tools and configs."""

import ast
import email
import os
import re
import shutil
import subprocess
import sys
import zipfile
from email.message import Message
from pathlib import Path

import pytest
import yaml

from mmdrs.version import __version__

ROOT = Path(__file__).parents[1]
PARTS = ('configs', 'mmdrs', 'requirements', 'tools')
FILES = ('LICENSE', 'MANIFEST.in', 'README.md', 'model-index.yml', 'pyproject.toml', 'setup.py')
PIN = re.compile(r'[A-Za-z0-9_.-]+==[^=;]+(; python_version (<|>=) "3\.\d+")?')


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of what is packaged, without what is built."""
    folder = tmp_path / 'source'
    ignore = shutil.ignore_patterns('__pycache__', '.mim')
    for part in PARTS:
        shutil.copytree(ROOT / part, folder / part, ignore=ignore)
    for name in FILES:
        shutil.copyfile(ROOT / name, folder / name)
    return folder


def build(source: Path, command: str) -> zipfile.ZipFile:
    """Run a command of setup.py and open the wheel that it makes."""
    arguments = [sys.executable, 'setup.py', '-q', command, '--dist-dir', 'made']
    done = subprocess.run(arguments, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (source / 'made').glob('*.whl')
    return zipfile.ZipFile(wheel)


def files_of(folder: Path, name: str) -> set[str]:
    """Names of the files below ``folder/name``, or of that one file."""
    path = folder / name
    found = [path] if path.is_file() else [item for item in path.rglob('*') if item.is_file()]
    return {item.relative_to(folder).as_posix() for item in found}


def metadata_of(wheel: zipfile.ZipFile) -> Message:
    (name,) = (name for name in wheel.namelist() if name.endswith('.dist-info/METADATA'))
    return email.message_from_bytes(wheel.read(name))


def test_wheel(source: Path) -> None:
    # What an earlier editable installation left must not get in the way.
    (source / 'mmdrs' / '.mim').mkdir()
    (source / 'mmdrs' / '.mim' / 'configs').symlink_to('../../configs')
    with build(source, 'bdist_wheel') as wheel:
        packed, metadata = set(wheel.namelist()), metadata_of(wheel)
    expected = {
        f'mmdrs/.mim/{name}'
        for part in ('configs', 'tools', 'model-index.yml')
        for name in files_of(source, part)
    }
    assert expected and {name for name in packed if '/.mim/' in name} == expected
    # All files of the package, those of other kinds too: templates, published results.
    files = {name for name in files_of(source, 'mmdrs') if '.mim' not in name}
    assert {name for name in packed if name.startswith('mmdrs/')} - expected == files
    assert {
        'mmdrs/reporting/leaderboard/voc2012.yml',
        'mmdrs/reporting/leaderboard/leaderboard.html.j2',
        'mmdrs/reporting/report/report.html.j2',
    } <= files
    assert (metadata['Name'], metadata['Version']) == ('mmdrs', __version__)
    assert set(metadata['Requires-Python'].split(',')) == {'>=3.10', '<3.13'}
    requirements = metadata.get_all('Requires-Dist')
    assert 'torch==2.13.0' in requirements
    assert 'pydensecrf2==1.1; extra == "crf"' in requirements
    for name in ('onedl-mmsegmentation==1.4.2', 'onedl-mmcv==2.3.6', 'onedl-mmengine==0.10.12'):
        assert f'{name}; extra == "onedl"' in requirements
    for name in ('mmsegmentation==1.2.2', 'mmcv-lite==2.1.0', 'mmengine==0.10.7'):
        assert f'{name}; extra == "openmmlab"' in requirements


@pytest.mark.parametrize('stale', [False, True], ids=['fresh', 'stale'])
def test_editable_installation_links_mim(source: Path, stale: bool) -> None:
    mim = source / 'mmdrs' / '.mim'
    if stale:  # an old copy, and what a broken installation left
        (mim / 'configs').mkdir(parents=True)
        (mim / 'tools.tmp').symlink_to('nowhere')
    build(source, 'editable_wheel').close()
    assert sorted(path.name for path in mim.iterdir()) == ['configs', 'model-index.yml', 'tools']
    for path in mim.iterdir():
        assert path.is_symlink() and not os.path.isabs(os.readlink(path))
        assert path.resolve() == (source / path.name).resolve()


def test_incomplete_source_leaves_no_broken_link(source: Path) -> None:
    shutil.rmtree(source / 'configs')
    with pytest.raises(AssertionError, match='configs is missing'):
        build(source, 'editable_wheel')
    assert all(path.exists() for path in (source / 'mmdrs' / '.mim').iterdir())


def test_every_requirement_is_pinned() -> None:
    files = sorted((ROOT / 'requirements').glob('*.txt'))
    assert len(files) >= 5
    for file in files:
        lines = [line.split('#')[0].strip() for line in file.read_text().splitlines()]
        loose = [line for line in lines if line and not PIN.fullmatch(line)]
        assert loose == [], file


def test_versions_agree() -> None:
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text())
    assert citation['version'] == __version__
    pinned = re.search(r'ruff==\S+', (ROOT / 'requirements' / 'tests.txt').read_text())[0]
    hooks = yaml.safe_load((ROOT / '.pre-commit-config.yaml').read_text())['repos'][0]['hooks']
    assert [hook['additional_dependencies'] for hook in hooks] == [[pinned]] * 2


def test_model_index_names_files_and_models_that_exist() -> None:
    named = yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
    found = sorted(
        path.relative_to(ROOT).as_posix() for path in ROOT.glob('configs/*/metafile.yml')
    )
    assert sorted(named) == found
    for name in named:
        models = yaml.safe_load((ROOT / name).read_text())['Models']
        for model in models:
            assert (ROOT / model['Config']).is_file(), model['Name']
            assert model['Name'] == Path(model['Config']).stem
        folder = (ROOT / name).parent
        assert {model['Name'] for model in models} == {path.stem for path in folder.glob('*.py')}


#: Each package imports only from those before it.
ORDER = (
    *('models', 'pseudo_labels', 'datasets', 'evaluation', 'visualization', 'engine', 'apis'),
    *('pipeline', 'reporting', 'cli'),
)
#: Mathematics and files: no module of them knows MMSegmentation.
PLAIN = (
    *('models/ops', 'models/losses', 'models/utils', 'pseudo_labels', 'evaluation/functional'),
    'datasets/formats',
)


def test_imports_go_one_way() -> None:
    folders = {path.parent.name for path in (ROOT / 'mmdrs').glob('*/__init__.py')}
    assert folders == set(ORDER)
    for path in package_files():
        package = path.relative_to(ROOT / 'mmdrs').parts[0]
        for name in imported_modules(path):
            top, *rest = name.split('.')
            assert top not in ('tests', 'benchmarks', 'tools'), (path, name)
            if package in ORDER and top == 'mmdrs' and rest and rest[0] in ORDER:
                assert ORDER.index(rest[0]) <= ORDER.index(package), (path, name)


def test_mathematics_knows_nothing_of_mmsegmentation() -> None:
    known = ('mmdrs', 'numpy', 'PIL', 'torch', 'pydensecrf')
    for folder in PLAIN:
        files = [path for path in package_files() if ROOT / 'mmdrs' / folder in path.parents]
        assert files, folder
        for path in files:
            for name in imported_modules(path):
                top = name.split('.')[0]
                assert top in {*known, *sys.stdlib_module_names}, (path, name)


def package_files() -> list[Path]:
    return [path for path in (ROOT / 'mmdrs').rglob('*.py') if '.mim' not in path.parts]


def imported_modules(path: Path) -> list[str]:
    """Return the absolute names of the modules that a file of the package imports."""
    names = []
    parents = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = list(parents[: len(parents) - node.level + 1]) if node.level else []
            module = '.'.join(base + ([node.module] if node.module else []))
            names += [f'{module}.{alias.name}' for alias in node.names]
    return names
