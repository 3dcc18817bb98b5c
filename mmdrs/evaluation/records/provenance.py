"""What an evaluation was made from: hashes, revision, package versions, time."""

import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mmdrs.files import digest, file_digest
from mmdrs.version import __version__

_PACKAGES = (
    *('torch', 'numpy', 'mmengine', 'mmcv-lite', 'mmcv', 'mmsegmentation'),
    *('onedl-mmengine', 'onedl-mmcv', 'onedl-mmsegmentation', 'pydensecrf2'),
)
#: Keys of a config that do not change what comes out, but where and how fast it is computed.
_PLACES = frozenset(
    (
        *('work_dir', 'launcher', 'local_rank', 'resume', 'load_from', 'experiment_name'),
        *('data_root', 'data_prefix', 'output_dir', 'num_workers', 'persistent_workers', 'seed'),
        *('custom_hooks', 'runner_type', 'log_level', 'visualizer', 'vis_backends', 'settings'),
    )
)


def provenance(
    config: Mapping[str, Any], list_file: Path | None, weights: Path | None
) -> dict[str, Any]:
    """Describe a run by its config (plain dicts), the list of scored images and the checkpoint."""
    return dict(
        config_sha256=config_hash(config),
        list=_name_and_digest(list_file),
        weights=_name_and_digest(weights),
        mmdrs=__version__,
        git_revision=git_revision(),
        python=sys.version.split()[0],
        packages=package_versions(),
        time=time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),  # UTC: they are compared
    )


def config_hash(config: Mapping[str, Any]) -> str:
    """SHA-256 of a config without its places, speeds and seed; the key order does not count."""
    return digest(_without_places(config))


def _without_places(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _without_places(v) for k, v in value.items() if k not in _PLACES}
    if isinstance(value, list | tuple):
        return [_without_places(item) for item in value]
    return value


def _name_and_digest(path: Path | None) -> dict[str, str] | None:
    if path is None or not path.is_file():
        return None
    return dict(name=path.name, sha256=file_digest(path))


@cache
def package_versions() -> dict[str, str]:
    """Versions of the packages that compute, as far as they are installed."""
    found = {}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


@cache
def git_revision() -> str:
    """Revision of the source tree, with ``-dirty`` if it was changed; '' outside of git."""
    folder = Path(__file__).parent
    command = ['git', 'describe', '--always', '--dirty', '--abbrev=40', '--exclude', '*']
    try:
        found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError:  # no git here
        return ''
    return found.stdout.strip() if found.returncode == 0 else ''
