"""Every row of the parity table, and that a row can fail."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from mmdrs.errors import InputError
from tests.parity.golden import GoldenFolder
from tests.parity.parity import ROWS, Row, compare
from tests.pipeline_runs import ROOT, load_tool

CONFIGS = ROOT / 'configs'


@pytest.fixture(scope='module')
def rows(golden: GoldenFolder) -> dict[str, Row]:
    return {row.name: row for row in compare(golden, CONFIGS)}


@pytest.mark.parametrize('name', ROWS)
def test_row(rows: dict[str, Row], name: str) -> None:
    row = rows[name]
    assert row.passed, row


def test_the_table_is_complete(rows: dict[str, Row]) -> None:
    assert tuple(rows) == ROWS
    assert len(ROWS) == len(set(ROWS)) == 40
    document = (ROOT / 'docs' / 'parity.md').read_text()
    assert [
        line.split('|')[1].strip() for line in document.splitlines() if '| pass |' in line
    ] == [*ROWS]


@pytest.fixture
def copy(golden: GoldenFolder, tmp_path: Path) -> Path:
    return Path(shutil.copytree(golden.folder, tmp_path / 'golden'))


def change(folder: Path, name: str, key: str, amount: float | None) -> None:
    """Add an amount to the first value of an array, or drop the array."""
    path = folder / f'{name}.npz'
    with np.load(path) as file:
        arrays = dict(file)
    if amount is None:
        del arrays[key]
    else:
        arrays[key].flat[0] += amount
    np.savez(path, **arrays)


def run(folder: Path, only: str, *arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        load_tool('parity').main([str(folder), '--only', only, *arguments])
    return stop.value.code


def test_tool_passes_and_fails(copy: Path, capsys) -> None:
    assert run(copy, 'DRS*') == 0
    assert '11 of 11 rows agree' in capsys.readouterr().out
    change(copy, 'drs_layer', 'const_0.55_gx', 1e-2)
    assert run(copy, 'DRS*', '--markdown', str(copy / 'table.md')) == 1
    printed = capsys.readouterr().out
    assert '10 of 11 rows agree' in printed and printed.count('FAIL') == 1
    assert '| DRS delta 0.55: gradient of x |' in (copy / 'table.md').read_text()
    (line,) = [x for x in (copy / 'table.md').read_text().splitlines() if 'FAIL' in x]
    assert line.startswith('| DRS delta 0.55: gradient of x |')


def test_labels_must_be_exact(copy: Path, capsys) -> None:
    change(copy, 'pseudo_label', '2_label_eval', 1)
    assert run(copy, 'pseudo label*') == 1
    assert '7 of 8 rows agree' in capsys.readouterr().out


def test_missing_values_are_a_failure(copy: Path, capsys) -> None:
    change(copy, 'drs_layer', 'learn_gw', None)
    (copy / 'pseudo_label.npz').unlink()
    assert run(copy, 'DRS*') == 1
    assert 'missing' in capsys.readouterr().out
    assert run(copy, 'pseudo label*') == 1
    assert '0 of 8 rows agree' in capsys.readouterr().out


def test_seed_is_that_of_the_folder(copy: Path) -> None:
    """Another base seed means other weights: the stored logits do not belong to them."""
    (copy / 'seed.txt').write_text('1\n')
    (row,) = compare(GoldenFolder(copy), CONFIGS, 'DeepLabV3+*')
    assert row.difference > 0.1 and not row.passed


def test_wrong_arguments(copy: Path) -> None:
    with pytest.raises(InputError, match="no row is called 'nothing'"):
        list(compare(GoldenFolder(copy), CONFIGS, 'nothing'))
    (copy / 'seed.txt').unlink()
    assert 'seed.txt' in run(copy, '*')
