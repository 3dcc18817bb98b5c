"""What is installed: the package, its requirements, and `.mim` with tools and configs."""

import ast
import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from email.message import Message
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mmdrs.version import __version__

ROOT = Path(__file__).parents[1]
PARTS = ('configs', 'mmdrs', 'requirements', 'tools')
FILES = (
    *('LICENSE', 'MANIFEST.in', 'README.md', 'mmdrs_command.py', 'model-index.yml'),
    *('pyproject.toml', 'setup.py'),
)
PYTHONS = ('3.10', '3.11', '3.12')


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of what is packaged, in a folder called mmdrs as a clone is, and nothing built."""
    folder = tmp_path / 'mmdrs'
    ignore = shutil.ignore_patterns('__pycache__', '.mim')
    for part in PARTS:
        shutil.copytree(ROOT / part, folder / part, ignore=ignore)
    for name in FILES:
        shutil.copyfile(ROOT / name, folder / name)
    return folder


def build(source: Path, command: str) -> Path:
    """Run a command of setup.py and return the archive that it makes."""
    arguments = [sys.executable, 'setup.py', '-q', command, '--dist-dir', f'made_{command}']
    done = subprocess.run(arguments, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (archive,) = (source / f'made_{command}').glob('*.tar.gz' if command == 'sdist' else '*.whl')
    return archive


def files_of(folder: Path, name: str) -> set[str]:
    """Names of the files below ``folder/name``, or of that one file."""
    path = folder / name
    found = [path] if path.is_file() else [item for item in path.rglob('*') if item.is_file()]
    return {item.relative_to(folder).as_posix() for item in found}


def metadata_of(wheel: zipfile.ZipFile) -> Message:
    (name,) = (name for name in wheel.namelist() if name.endswith('.dist-info/METADATA'))
    return email.message_from_bytes(wheel.read(name))


def run_python(code: str, folder: Path) -> list[str]:
    """Run code in a folder, without the package on PYTHONPATH, and return the lines it prints."""
    env = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    command = [sys.executable, '-c', code]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_wheel(source: Path) -> None:
    packaged = files_of(source, 'mmdrs')
    # What an earlier editable installation left must not get in the way.
    (source / 'mmdrs' / '.mim').mkdir()
    (source / 'mmdrs' / '.mim' / 'configs').symlink_to('../../configs')
    with zipfile.ZipFile(build(source, 'bdist_wheel')) as wheel:
        packed, metadata = set(wheel.namelist()), metadata_of(wheel)
    expected = {
        f'mmdrs/.mim/{name}'
        for part in ('configs', 'tools', 'model-index.yml')
        for name in files_of(source, part)
    }
    assert expected and {name for name in packed if '/.mim/' in name} == expected
    assert {name for name in packed if name.startswith('mmdrs/')} - expected == packaged
    assert 'mmdrs/reporting/leaderboard/voc2012.yml' in packed
    assert (metadata['Name'], metadata['Version']) == ('mmdrs', __version__)
    assert set(metadata['Requires-Python'].split(',')) == {'>=3.10', '<3.13'}
    assert metadata['License-Expression'] == 'Apache-2.0'
    assert metadata.get_all('License-File') == ['LICENSE']
    (license_file,) = (name for name in packed if name.endswith('.dist-info/licenses/LICENSE'))
    required = {str(Requirement(line)) for line in metadata.get_all('Requires-Dist')}
    for extra in ('', 'onedl', 'openmmlab', 'crf', 'cam', 'onnx'):
        for item in read_requirements(f'{extra or "runtime"}.txt'):
            assert (f'{item}; extra == "{extra}"' if extra else str(item)) in required


def test_data_files_are_packaged(source: Path) -> None:
    """Each file of the package is in the sdist, in the wheel, and in a wheel made of the sdist."""
    for number, suffix in enumerate(('css', 'html', 'j2', 'js', 'mplstyle', 'yml')):
        name = f'probe.{suffix}'
        (source / 'mmdrs' / ('reporting/report' if number % 2 else 'pipeline') / name).touch()
    expected = files_of(source, 'mmdrs')
    sdist = build(source, 'sdist')
    with tarfile.open(sdist) as archive:
        archive.extractall(source.parent / 'unpacked', filter='data')
    (unpacked,) = (source.parent / 'unpacked').iterdir()
    assert files_of(unpacked, 'mmdrs') - {'mmdrs/.mim'} == expected
    wheels = [zipfile.ZipFile(build(tree, 'bdist_wheel')) for tree in (source, unpacked)]
    first, second = ({name: wheel.read(name) for name in wheel.namelist()} for wheel in wheels)
    assert expected <= first.keys()
    changed = {
        name for name in first.keys() | second.keys() if first.get(name) != second.get(name)
    }
    assert changed == set()


def test_sdist_has_every_file_of_the_repository(tmp_path: Path) -> None:
    if not (ROOT / '.git').exists():
        pytest.skip('only a clone knows which files belong to the repository')
    command = ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard']
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = {name for name in listed.split('\0') if name and (ROOT / name).is_file()}
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    with tarfile.open(build(tmp_path, 'sdist')) as archive:
        files = [item.name for item in archive if item.isfile()]
    packed = {name.partition('/')[2] for name in files}
    assert names - packed == set()
    made = {name for name in packed - names if not name.startswith('mmdrs.egg-info/')}
    assert made <= {'PKG-INFO', 'setup.cfg'}


def test_wheel_works_in_an_empty_folder(source: Path, tmp_path: Path) -> None:
    site, empty = tmp_path / 'site', tmp_path / 'empty'
    empty.mkdir()
    zipfile.ZipFile(build(source, 'bdist_wheel')).extractall(site)
    shutil.rmtree(source)
    (empty / 'config.py').write_text("_base_ = ['mmdrs::custom/plain-classifier_custom.py']")
    code = f"""
import sys
sys.path.insert(1, {str(site)!r})
import mmdrs
from mmengine.config import Config
from mmdrs.apis import config_path
print(mmdrs.__file__, config_path('mmdrs::shapes/settings_shapes.py'), sep='\\n')
print(Config.fromfile('config.py').default_scope)
"""
    package = site.resolve() / 'mmdrs'
    assert run_python(code, empty) == [
        *(
            str(package / name)
            for name in ('__init__.py', '.mim/configs/shapes/settings_shapes.py')
        ),
        'mmseg',
    ]
    # A script with a folder beside it.
    tool = f"""
import runpy, sys
sys.path.insert(1, {str(site)!r})
path = {str(package / '.mim' / 'tools' / 'analysis_tools')!r}
sys.path[0] = path
sys.argv = ['ablate.py', '--help']
runpy.run_path(path + '/ablate.py', run_name='__main__')
"""
    assert run_python(tool, empty)[0].startswith('usage: ablate.py')


def test_editable_installation_imports_beside_the_clone(source: Path, tmp_path: Path) -> None:
    """The current folder goes first: it has a folder mmdrs, the clone, which is no package."""
    site = tmp_path / 'site'
    zipfile.ZipFile(build(source, 'editable_wheel')).extractall(site)
    # As pip installs it, before an editable installation that the environment may have.
    code = f"""
import site, sys
before = len(sys.path)
site.addsitedir({str(site)!r})
sys.path[1:1] = sys.path[before:]
import mmdrs
print(mmdrs.__file__)
"""
    assert run_python(code, source.parent) == [str(source / 'mmdrs' / '__init__.py')]


@pytest.mark.parametrize('stale', [False, True], ids=['fresh', 'stale'])
def test_editable_installation_links_mim(source: Path, stale: bool) -> None:
    mim = source / 'mmdrs' / '.mim'
    if stale:  # an old copy, and what a broken installation left
        (mim / 'configs').mkdir(parents=True)
        (mim / 'tools.tmp').symlink_to('nowhere')
    build(source, 'editable_wheel')
    assert sorted(path.name for path in mim.iterdir()) == ['configs', 'model-index.yml', 'tools']
    for path in mim.iterdir():
        assert path.is_symlink() and not os.path.isabs(os.readlink(path))
        assert path.resolve() == (source / path.name).resolve()


def test_incomplete_source_leaves_no_broken_link(source: Path) -> None:
    shutil.rmtree(source / 'configs')
    with pytest.raises(AssertionError, match='configs is missing'):
        build(source, 'editable_wheel')
    assert all(path.exists() for path in (source / 'mmdrs' / '.mim').iterdir())


def read_requirements(name: str) -> list[Requirement]:
    """Read a file of ``requirements/``, without its comments."""
    lines = (ROOT / 'requirements' / name).read_text().splitlines()
    return [Requirement(line) for line in (text.split('#')[0] for text in lines) if line.strip()]


def pins(python: str) -> dict[str, str]:
    """Return the exact versions of ``constraints.txt`` for a Python version, by package."""
    found = {}
    for item in read_requirements('constraints.txt'):
        (specifier,) = item.specifier
        assert specifier.operator == '==' and '*' not in specifier.version, item
        if item.marker is None or item.marker.evaluate({'python_version': python}):
            assert found.setdefault(canonicalize_name(item.name), specifier.version), item
    return found


def required_by_make() -> Iterator[Requirement]:
    """Yield what make asks pip for."""
    for file in sorted((ROOT / 'requirements').glob('*.txt')):
        # Of cam.txt it leaves out what grad-cam asks for: cam-tests.txt has what is needed of it.
        if file.stem not in ('constraints', 'dev', 'mminstall', 'saliency', 'cam'):
            yield from read_requirements(file.name)


@pytest.mark.parametrize('python', PYTHONS)
def test_constraints_satisfy_every_bound(python: str) -> None:
    pinned = pins(python)
    required = list(required_by_make())
    assert len(required) >= 15
    for item in required:
        assert pinned[canonicalize_name(item.name)] in item.specifier, item


def test_constraints_pin_what_requirements_bring_along() -> None:
    """Of those that are installed here. PyTorch itself pins the packages of a GPU build."""
    pinned = pins(f'{sys.version_info.major}.{sys.version_info.minor}')
    waiting, seen = list(required_by_make()), set()
    while waiting:
        name = canonicalize_name(waiting.pop().name)
        if name in seen or name.startswith(('nvidia', 'cuda', 'triton')):
            continue
        seen.add(name)
        assert name in pinned
        try:
            brought = [Requirement(line) for line in requires(name) or []]
        except PackageNotFoundError:  # of the other set
            continue
        waiting += [item for item in brought if not item.marker or item.marker.evaluate()]
    assert 'markupsafe' in seen


def test_make_installs_what_constraints_pin() -> None:
    text = (ROOT / 'Makefile').read_text().replace('\\\n', '')
    commands = re.findall(r'\$\(PIP\).*', text)
    assert len(commands) >= 4 and 'CONSTRAINTS := -c requirements/constraints.txt\n' in text
    for command in commands:
        assert ('$(CONSTRAINTS)' in command) != ('--editable .' in command), command


def test_ci_runs_style_and_both_sets() -> None:
    script = (ROOT / '.ci' / 'run').read_text()
    for command in ('lint DEPS=onedl', 'test DEPS=onedl', 'test-set DEPS=openmmlab'):
        assert f'\nmake {command}\n' in script


def test_tests_left_out_on_the_second_set_exist() -> None:
    text = (ROOT / 'Makefile').read_text().replace('\\\n', '')
    names = re.search(r'SET_FREE_TESTS :=(.*)', text)[1].split()
    assert len(names) > 10 and [name for name in names if not (ROOT / name).exists()] == []


@pytest.mark.parametrize('name', ['runtime', 'onedl', 'crf', 'cam', 'onnx'])
def test_requirements_are_lower_bounds(name: str) -> None:
    """A library must not replace what a user has without need."""
    for item in read_requirements(f'{name}.txt'):
        assert [specifier.operator for specifier in item.specifier] == ['>='], item


def test_runtime_requires_what_the_package_imports() -> None:
    distributions = {'yaml': 'pyyaml', 'PIL': 'pillow'}
    # From the chosen set: its own packages, and OpenCV; the others from extras.
    elsewhere = {
        'mmdrs',
        'mmdrs_command',
        'rembg',
        'pytorch_grad_cam',
        'mmengine',
        'mmcv',
        'mmseg',
        'cv2',
        'pydensecrf',
    }
    imported = {name.split('.')[0] for path in package_files() for name in imported_modules(path)}
    needed = imported - elsewhere - sys.stdlib_module_names
    required = {canonicalize_name(item.name) for item in read_requirements('runtime.txt')}
    assert {distributions.get(name, name) for name in needed} <= required
    assert 'torchvision' not in imported


def test_versions_agree() -> None:
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text())
    assert citation['version'] == __version__
    pinned = f'ruff=={pins(PYTHONS[0])["ruff"]}'
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
    'doctor',
    *('pipeline', 'reporting', 'cli'),
)
#: Mathematics and files: no module of them knows MMSegmentation.
PLAIN = (
    *('models/ops', 'models/losses', 'models/utils', 'pseudo_labels', 'evaluation/functional'),
    *('datasets/label_lists.py', 'datasets/label_formats'),
)


def test_imports_go_one_way() -> None:
    folders = {path.parent.name for path in (ROOT / 'mmdrs').glob('*/__init__.py')}
    assert folders == set(ORDER)
    for path in package_files():
        package = path.relative_to(ROOT / 'mmdrs').parts[0]
        for name in imported_modules(path):
            top, *rest = name.split('.')
            assert top not in ('tests', 'benchmarks', 'tools', 'ablation', 'limits'), (path, name)
            if package in ORDER and top == 'mmdrs' and rest and rest[0] in ORDER:
                assert ORDER.index(rest[0]) <= ORDER.index(package), (path, name)


def test_mathematics_knows_nothing_of_mmsegmentation() -> None:
    known = ('mmdrs', 'numpy', 'scipy', 'PIL', 'cv2', 'torch', 'pydensecrf', 'rembg')
    for folder in PLAIN:
        files = [
            path for path in package_files() if ROOT / 'mmdrs' / folder in (path, *path.parents)
        ]
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
