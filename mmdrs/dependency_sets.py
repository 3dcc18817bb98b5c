"""The two dependency sets with MMSegmentation: exactly one must be installed."""

from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec

# Distributions of each package: first OneDL's, then OpenMMLab's.
_DISTRIBUTIONS = {
    'mmseg': ('onedl-mmsegmentation', 'mmsegmentation'),
    'mmcv': ('onedl-mmcv', 'mmcv', 'mmcv-lite'),
    'mmengine': ('onedl-mmengine', 'mmengine'),
}
_INSTALL_ONE = """
    pip install onedl-mmsegmentation onedl-mmcv onedl-mmengine
or
    pip install mmsegmentation==1.2.2 mmcv-lite==2.1.0 mmengine==0.10.7"""


def check_dependency_sets() -> None:
    """Check that each package of MMSegmentation is installed, from one distribution only.

    Two distributions of one package overwrite each other's files.

    Raises:
        ModuleNotFoundError: If a package is missing.
        ImportError: If a package is installed twice. Both errors say what to do.
    """
    installed = {
        package: [name for name in names if _is_installed(name)]
        for package, names in _DISTRIBUTIONS.items()
    }
    twice = [f"'{package}' ({', '.join(n)})" for package, n in installed.items() if len(n) > 1]
    if twice:
        remove = ' '.join(name for names in installed.values() for name in names)
        raise ImportError(
            'packages that mmdrs needs are installed twice in this environment and have '
            f"overwritten each other's files: {', '.join(twice)}. "
            'Remove all of them, then install one set:\n'
            f'    pip uninstall -y {remove}{_INSTALL_ONE}'
        )
    missing = [package for package in installed if find_spec(package) is None]
    if missing:
        raise ModuleNotFoundError(
            f'mmdrs needs {", ".join(missing)}. Install one dependency set:{_INSTALL_ONE}',
            name=missing[0],
        )


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
