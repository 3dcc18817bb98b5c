"""What is wrong with Python and the packages. Needs none of them, nor :mod:`mmdrs` as a whole."""

import importlib
import os
import platform
import re
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from mmdrs.dependency_sets import check_dependency_sets
from mmdrs.findings import Finding

#: Python's oldest version, and the first that is too new.
PYTHON = ((3, 10), (3, 13))
#: The oldest version of each package; a test compares them with `requirements/`.
OLDEST = {
    'torch': '2.6',
    'numpy': '1.26',
    'pillow': '10.1',
    'onedl-mmsegmentation': '1.4.2',
    'onedl-mmcv': '2.3.6',
    'onedl-mmengine': '0.10.12',
    'mmsegmentation': '1.2.2',
    'mmcv': '2.1.0',
    'mmcv-lite': '2.1.0',
    'mmengine': '0.10.7',
}
#: The first version of a package that is too new: MMSegmentation 1.2.2 refuses it.
TOO_NEW = {'mmcv': '2.2', 'mmcv-lite': '2.2', 'mmsegmentation': '1.3', 'mmengine': '1'}
#: Parts of MMSegmentation that need MMCV's compiled operators.
NEED_OPERATORS = ('CCHead', 'FocalLoss', 'PSAHead', 'PointHead', 'SideAdapterCLIPHead')
NEED_OPERATORS += ('Mask2FormerHead', 'MaskFormerHead')
_TORCH = 'https://pytorch.org/get-started/locally'


def environment_findings(failure: BaseException | None = None) -> list[Finding]:
    """Check Python, the packages, MMCV's operators and the GPU.

    Args:
        failure: What ``import mmdrs`` raised, if it fails.
    """
    findings = _python() + _sets() + _versions()
    if failure is not None and not any(found.severity == 'error' for found in findings):
        message = f'`import mmdrs` fails: {type(failure).__name__}: {failure}'
        remedy = 'Install the packages anew, with the versions of requirements/constraints.txt.'
        findings.append(Finding('error', 'mmdrs', message, remedy=remedy))
    if find_spec('mmcv') is not None and not _has_operators():
        message = f'mmcv has no compiled operators: {", ".join(NEED_OPERATORS)} cannot be used'
        remedy = 'Other parts do not need them; else install the full mmcv in place of mmcv-lite.'
        findings.append(Finding('note', 'mmcv', message, remedy=remedy))
    return findings + _gpu()


def _python() -> list[Finding]:
    if PYTHON[0] <= sys.version_info[:2] < PYTHON[1]:
        return []
    message = f'Python {platform.python_version()} is not supported'
    return [Finding('error', 'python', message, remedy='Use Python 3.10, 3.11 or 3.12.')]


def _sets() -> list[Finding]:
    try:
        check_dependency_sets()
    except ImportError as error:
        message, _, remedy = str(error).partition('. ')
        return [Finding('error', 'packages', message, remedy=remedy)]
    return []


def _versions() -> list[Finding]:
    findings = []
    for package, oldest in OLDEST.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            continue
        limit = TOO_NEW.get(package)
        if _number(found) < _number(oldest):
            message = f'{package} {found} is too old'
        elif limit and _number(found) >= _number(limit):
            message = f'{package} {found} is too new'
        else:
            continue
        wanted = f'{package}>={oldest}' + (f',<{limit}' if limit else '')
        remedy = f"pip install '{wanted}'"
        findings.append(Finding('error', package, message, remedy=remedy))
    missing = [name for name, module in _NEEDED.items() if find_spec(module) is None]
    if missing:
        remedy = f'pip install {" ".join(missing)}'
        findings.append(Finding('error', 'packages', f'{missing} are missing', remedy=remedy))
    return findings


#: Packages that no set brings, and their modules.
_NEEDED = dict(torch='torch', numpy='numpy', pillow='PIL', scipy='scipy', matplotlib='matplotlib')
_NEEDED |= dict(prettytable='prettytable', PyYAML='yaml', Jinja2='jinja2')


def _number(text: str) -> tuple[int, ...]:
    """``2.13.0+cpu`` as (2, 13, 0)."""
    digits = re.sub(r'[^\d.].*', '', text)
    return tuple(int(part) for part in digits.split('.') if part)


def _has_operators() -> bool:
    """Whether MMCV has its compiled module; nothing is imported, which may fail."""
    found = find_spec('mmcv')
    folders = (found.submodule_search_locations if found else None) or ()
    return any(next(Path(folder).glob('_ext.*'), None) for folder in folders)


def _gpu() -> list[Finding]:
    try:
        torch = importlib.import_module('torch')
    except Exception as error:  # a damaged installation raises anything
        if find_spec('torch') is None:
            return []
        message = f'torch cannot be imported: {type(error).__name__}: {error}'
        return [Finding('error', 'torch', message, remedy=f'Install it anew: {_TORCH}')]
    return gpu_findings(torch, _has_driver())


def _has_driver() -> bool:
    """Whether NVIDIA's driver is loaded here."""
    return os.path.exists('/proc/driver/nvidia/version') or bool(shutil.which('nvidia-smi'))


def gpu_findings(torch: ModuleType, driver: bool) -> list[Finding]:
    """Say whether PyTorch and the GPU's driver fit together.

    Args:
        torch: The module.
        driver: Whether NVIDIA's driver is there.
    """
    built = torch.version.cuda or getattr(torch.version, 'hip', None)
    if not built and driver:
        message = 'there is a GPU, but PyTorch was built without CUDA: all runs on the CPU'
        return [Finding('warning', 'torch', message, remedy=f'Install a CUDA build: {_TORCH}')]
    if not built or torch.cuda.is_available():
        return []
    if not driver:
        message = f'PyTorch was built for CUDA {built}, but there is no GPU: all runs on the CPU'
        return [Finding('note', 'torch', message)]
    try:
        torch.cuda.init()
        reason = 'no device is visible (CUDA_VISIBLE_DEVICES?)'
    except Exception as error:  # says which driver and which CUDA do not fit
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    message = f'PyTorch, built for CUDA {built}, does not see the GPU: {reason}'
    remedy = (
        'Update the driver (nvidia-smi shows the newest CUDA that it runs), or install a PyTorch '
        f'for an older CUDA: {_TORCH}'
    )
    return [Finding('warning', 'torch', message, remedy=remedy)]
