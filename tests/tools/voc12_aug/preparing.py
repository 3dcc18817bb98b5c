"""Calls of the tool on small archives."""

from pathlib import Path

import pytest

from mmdrs.errors import InputError
from tests.pipeline_runs import load_tool
from tests.tools.voc_archives import (
    write_tar,
)

TOOL = load_tool('dataset_converters/voc12_aug')
ANY = '--any-checksum'


def prepare(voc: Path, sbd: Path, out: Path, test: Path | None = None, **options):
    """Prepare from archives that are not those that are published."""
    archives = {'VOC': voc, 'SBD': sbd} | ({'VOC test': test} if test else {})
    options = {'expected': 5, 'any_checksum': True} | options
    return TOOL.prepare_voc_aug(archives, out, **options)


def failing(
    tmp_path: Path, voc: dict[str, bytes], sbd: dict[str, bytes], expected: int = 5
) -> str:
    """The message of a run on these members, which must leave nothing in its folder."""
    out = tmp_path / 'out'
    paths = write_tar(tmp_path / 'voc.tar', voc), write_tar(tmp_path / 'sbd.tgz', sbd)
    with pytest.raises(InputError) as error:
        prepare(*paths, out, expected=expected)
    assert not out.exists() or list(out.iterdir()) == []
    return str(error.value)
