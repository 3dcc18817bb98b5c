"""What a run makes of changes between two runs: weights, files that are gone, damaged or full."""

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from mmdrs.evaluation.records.record import read_evaluations
from mmdrs.pipeline.lock import locked
from mmdrs.pipeline.runs.choice import read_choice
from mmdrs.pseudo_labels.map_file import read_maps
from tests.pipeline_runs import made


def generations(work_dir: Path) -> set[str]:
    """Stages of which there is an older generation."""
    return {path.name.split('.')[0] for path in work_dir.glob('*.????????')}


def learned(work_dir: Path) -> str:
    """The maps that the refinement learns."""
    return read_choice(work_dir / 'map_choice')['chosen']


def test_weights_trained_anew_make_other_maps(copied, tiny_voc, run_pipeline, capsys) -> None:
    run_pipeline(tiny_voc, copied, '--to', 'drs_maps', '--again', 'drs_classifier')
    assert generations(copied) == {'drs_classifier', 'drs_maps'}
    printed = capsys.readouterr().out
    assert 'made anew; the old results: ' in printed
    weights = copied / 'drs_classifier' / 'epoch_2.pth'
    before = made(copied)
    # What the maps' records say is true, and a second run finds everything finished.
    (record, *_) = [e for e in read_evaluations(copied / 'results.json') if e.stage == 'drs_maps']
    assert record.provenance['weights']['name'] == weights.name
    run_pipeline(tiny_voc, copied, '--to', 'drs_maps')
    assert capsys.readouterr().out.count('finished and unchanged: skipped') == 4
    assert made(copied) == before


def test_replaced_weights_make_other_maps(copied, tiny_voc, run_pipeline) -> None:
    folder = copied / 'drs_classifier'
    kept = shutil.copy(folder / 'epoch_2.pth', copied / 'kept.pth')
    before = made(copied)
    shutil.copy(folder / 'epoch_1.pth', folder / 'epoch_2.pth')
    run_pipeline(tiny_voc, copied, '--to', 'drs_maps')
    assert generations(copied) == {'drs_maps'}
    # The weights come back, and so do their maps.
    shutil.copy(kept, folder / 'epoch_2.pth')
    run_pipeline(tiny_voc, copied, '--to', 'drs_maps')
    after = made(copied)
    assert all(after[name] == before[name] for name in before if name.startswith('drs_maps/'))


def test_only_what_is_gone_is_made_again(copied, tiny_voc, run_pipeline, capsys) -> None:
    for path in copied.glob('*_maps/*/*.npz'):  # from a backup
        os.utime(path, ns=(0, 0))
    before = made(copied)
    maps = learned(copied)
    gone = [f'{maps}/train/img_3.npz', 'pseudo_labels/val/img_0.png']
    for name in gone:
        (copied / name).unlink()
    with pytest.raises(SystemExit, match=rf'{maps}, which is no longer complete in .*{maps}'):
        run_pipeline(tiny_voc, copied, '--from', 'refinement')
    run_pipeline(tiny_voc, copied)
    after = made(copied)
    assert {name for name in before if after[name] != before[name]} == set(gone)
    printed = capsys.readouterr().out
    assert printed.count('some of its files are gone') == 2
    assert printed.count('finished and unchanged: skipped') == 8


@pytest.mark.parametrize(
    ('maps', 'later'), [('learned', 'refinement'), ('refined_maps', 'pseudo_labels')]
)
def test_damaged_map_is_named_and_made_again(maps, later, copied, tiny_voc, run_pipeline) -> None:
    shutil.rmtree(copied / later)
    maps = learned(copied) if maps == 'learned' else maps
    path = copied / maps / 'train' / 'img_2.npz'
    expected = read_maps(path).values
    content = path.read_bytes()
    middle = len(content) // 2
    for change in (b'\xff' * 9, b'\0' * 9):  # of the same length, as a disk damages it
        path.write_bytes(content[: middle - 4] + change + content[middle + 5 :])
        with pytest.raises(SystemExit, match=r'error: .*img_2\.npz.*delete it') as caught:
            run_pipeline(tiny_voc, copied, '--to', later)
        assert '\n' not in caught.value.code
    path.unlink()
    run_pipeline(tiny_voc, copied, '--to', later)
    np.testing.assert_array_equal(read_maps(path).values, expected)


def test_again_keeps_the_old_results(copied, tiny_voc, run_pipeline, capsys) -> None:
    before = made(copied)
    arguments = ('--from', 'pseudo_labels', '--to', 'pseudo_labels')
    run_pipeline(tiny_voc, copied, *arguments, '--again', 'pseudo_labels')
    after = made(copied)
    (old,) = copied.glob('pseudo_labels.????????')
    for name, time in before.items():
        stage, _, rest = name.partition('/')
        place = f'{old.name}/{rest}' if stage == 'pseudo_labels' else name
        assert after[place] == time
    assert len(list((copied / 'pseudo_labels' / 'train').glob('*.png'))) == 6
    capsys.readouterr()
    run_pipeline(tiny_voc, copied)  # same labels: nothing that depends on them is made again
    assert 'skipped' in capsys.readouterr().out and made(copied) == after
    with pytest.raises(SystemExit, match='--again pseudo_label: no such.*pseudo_labels'):
        run_pipeline(tiny_voc, copied, '--again', 'pseudo_label')
    with pytest.raises(SystemExit, match='--again refinement: no such stage'):
        run_pipeline(tiny_voc, copied, *arguments, '--again', 'refinement')


def test_results_of_a_finished_run_are_not_emptied(copied, tiny_voc, run_pipeline, capsys) -> None:
    before = (copied / 'results.json').read_bytes()
    run_pipeline(tiny_voc, copied, '--to', 'plain_classifier', options=('seed=4',))
    assert (copied / 'results.json').read_bytes() == before
    assert 'results.json is left as it is' in capsys.readouterr().out


def test_second_run_in_a_directory_is_refused(copied, tiny_voc, run_pipeline) -> None:
    before = (copied / 'settings.py').read_bytes()
    with locked(copied), pytest.raises(SystemExit, match='is in use by a run of the pipeline'):
        run_pipeline(tiny_voc, copied, options=('seed=4',))
    assert (copied / 'settings.py').read_bytes() == before


@pytest.mark.parametrize('name', ['started.json', 'done.json', 'results.json', 'overview.png'])
def test_full_disk(name: str, copied, tiny_voc, run_pipeline, monkeypatch) -> None:
    (copied / 'evaluation' / 'done.json').unlink()
    rename = Path.replace

    def full(self: Path, target: Path) -> Path:
        if Path(target).name == name:
            raise OSError(errno.ENOSPC, 'No space left on device')
        return rename(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, 'replace', full)
        message = rf'error: the disk is full \(.*{name}\); free some space and give the same'
        with pytest.raises(SystemExit, match=message):
            run_pipeline(tiny_voc, copied, '--from', 'evaluation')
    assert not [path for path in copied.rglob('.*') if path.is_file()]
    run_pipeline(tiny_voc, copied, '--from', 'evaluation')
    assert json.loads((copied / 'evaluation' / 'done.json').read_text())['resumed'] >= 1
