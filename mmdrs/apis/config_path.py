"""Names of config files, also those of an installed package (``mmdrs::...``, ``mmseg::...``)."""

import os
from pathlib import Path

import mmseg

import mmdrs
from mmdrs.errors import MissingFileError, did_you_mean


def config_path(name: str | os.PathLike) -> str:
    """The file of a config.

    Raises:
        MissingFileError: If ``mmdrs::...`` or ``mmseg::...`` names no config; lists close names.
    """
    name = os.fspath(name)
    package, mark, relative = name.partition('::')
    if not mark:
        return name
    roots = {'mmdrs': Path(mmdrs.__file__).parent, 'mmseg': Path(mmseg.__file__).parent}
    folder = roots.get(package, Path()) / '.mim' / 'configs'
    if package == 'mmdrs' and not folder.is_dir():
        folder = roots['mmdrs'].parent / 'configs'
    if package not in roots or not (folder / relative).is_file():
        known = (f'{package}::{p.relative_to(folder).as_posix()}' for p in folder.glob('*/*.py'))
        raise MissingFileError(f"there is no config '{name}'{did_you_mean(name, known)}")
    return str(folder / relative)
