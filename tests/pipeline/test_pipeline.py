"""All stages on six tiny images: results, skipping, resuming, and errors before the work."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mmengine.hooks import Hook
from mmseg.registry import HOOKS
from PIL import Image

from mmdrs.errors import InputError
from mmdrs.evaluation.functional.scores import count_label
from mmdrs.evaluation.records.record import read_evaluations
from mmdrs.files import file_digest
from mmdrs.models.utils.cam import resize_array
from mmdrs.pipeline import load_settings
from mmdrs.pipeline.runs import stage_runs
from mmdrs.pseudo_labels.fusion import BackgroundCue, fuse_maps
from mmdrs.pseudo_labels.map_file import read_maps
from mmdrs.stage_state import StageState
from tests.pipeline_runs import (
    SETTINGS,
    STAGES,
    generation,
    load_tool,
    made,
    records,
    tiny_options,
)


def test_every_stage_leaves_its_results(finished: Path) -> None:
    done = {stage: json.loads((finished / stage / 'done.json').read_text()) for stage in STAGES}
    # In tenths: a stage of six tiny images may take less.
    assert done['plain_classifier']['seconds'] > 0
    found = records(finished)
    for stage in ('plain_maps', 'drs_maps', 'refined_maps'):
        for split in ('train', 'val'):
            for metric in ('mIoU_fixed', 'mIoU_swept', 'coverage'):
                assert 0 <= found[stage, 'seed', metric, split] <= 100
            assert 0 <= found[stage, 'pseudo', 'mIoU', split] <= 100
            swept = found[stage, 'seed', 'mIoU_swept', split]
            assert swept >= found[stage, 'seed', 'mIoU_fixed', split]
    labels = {key[1:3] for key in found if key[0] == 'pseudo_labels'}
    assert labels == {
        ('pseudo', metric) for metric in ('mIoU', 'mIoU_written', 'mIoU_kept', 'kept')
    }
    assert ('evaluation', 'seg', 'mIoU', 'val') in found
    assert len(list((finished / 'drs_maps' / 'train').glob('*.npz'))) == 6
    assert len(list((finished / 'evaluation' / 'predictions').glob('*.png'))) == 6
    with Image.open(finished / 'overview.png') as picture:
        assert picture.width > picture.height / 3


def test_results_are_the_records_of_the_stages(finished: Path) -> None:
    """`results.json` holds what each stage's own record says, nothing else."""
    own = [json.loads(path.read_text()) for path in finished.glob('*/results/*.json')]
    taken = json.loads((finished / 'results.json').read_text())
    assert sorted(map(str, taken)) == sorted(map(str, own))
    assert all(record['provenance']['time'].endswith('Z') for record in own)  # UTC


def test_pipeline_json_says_what_the_run_is(finished: Path) -> None:
    described = json.loads((finished / 'pipeline.json').read_text())
    assert list(described['stages']) == STAGES
    for stage, entry in described['stages'].items():
        done = json.loads((finished / stage / 'done.json').read_text())
        assert {k: done[k] for k in ('fingerprint', 'scores')} == {
            k: entry[k] for k in ('fingerprint', 'scores')
        }
    assert described['settings']['seed'] == 3
    assert set(described['datasets']) == {'train', 'val', 'evaluation'}
    assert described['datasets']['val']['ann_file'].endswith('val_cls.txt')


def test_labels_are_the_fused_maps(finished: Path, tiny_voc: Path) -> None:
    """The written PNGs and both scores, restated from the stored maps."""
    counts = []
    for path in sorted((finished / 'refined_maps' / 'train').glob('*.npz')):
        stored = read_maps(path)
        assert stored.original_size == (40, 48) == stored.values.shape[1:]
        with Image.open(tiny_voc / 'saliency_map' / f'{path.stem}.png') as picture:
            saliency = np.asarray(picture)
        written, evaluated = fuse_maps(
            resize_array(stored.floats(), (40, 48)), stored.labels, BackgroundCue(), saliency
        )
        with Image.open(finished / 'pseudo_labels' / 'train' / f'{path.stem}.png') as picture:
            assert picture.mode == 'P'
            np.testing.assert_array_equal(np.asarray(picture), written)
        with Image.open(tiny_voc / 'SegmentationClass' / f'{path.stem}.png') as picture:
            truth = np.asarray(picture)
        kept = np.where(written == 255, 255, truth)
        counts.append(
            [
                count_label(*pair, 4)
                for pair in ((evaluated, truth), (written, truth), (written, kept))
            ]
        )
    found = records(finished)
    for column, metric in enumerate(('mIoU', 'mIoU_written', 'mIoU_kept')):
        first, *others = (pair[column] for pair in counts)
        expected = sum(others, first).miou()
        assert found['pseudo_labels', 'pseudo', metric, 'train'] == pytest.approx(
            expected, abs=0.006
        )


def test_second_run_does_nothing(copied, tiny_voc, run_pipeline, capsys) -> None:
    before, results = made(copied), records(copied)
    run_pipeline(tiny_voc, copied)
    assert made(copied) == before
    assert records(copied) == results
    text = capsys.readouterr().out
    assert text.count('finished and unchanged: skipped') == len(STAGES)
    assert f'masks of other images: mmdrs predict {copied} IMAGE --out DIR\n' in text


def test_changed_setting_runs_what_depends_on_it(copied, tiny_voc, run_pipeline, capsys) -> None:
    before = made(copied)
    run_pipeline(tiny_voc, copied, '--to', 'drs_maps', options=('drs.delta=0.4',))
    after = made(copied)
    for name, time in before.items():
        stage, _, rest = name.partition('/')
        if stage in ('drs_classifier', 'drs_maps'):
            old = generation(copied, stage).name
            assert after[f'{old}/{rest}'] == time  # nothing is lost
            assert after[name] != time
        else:
            assert after[name] == time
    printed = capsys.readouterr().out
    assert 'its config or inputs have changed' in printed
    assert 'results of other settings take' in printed and 'to remove them: rm -r' in printed


def test_old_settings_take_the_old_results_up_again(
    copied, tiny_voc, run_pipeline, capsys
) -> None:
    """A finishes, a mistyped option starts and is stopped, the right command comes again."""
    before, results = made(copied), records(copied)
    StopInTheMiddle.before_train_epoch = stop_in_the_middle
    stop = ('drs_classifier.default_hooks.stop.type=StopInTheMiddle', 'drs.delta=0.4')
    with pytest.raises(KeyboardInterrupt):
        run_pipeline(tiny_voc, copied, options=stop)
    assert not (copied / 'drs_classifier' / 'done.json').exists()
    capsys.readouterr()
    run_pipeline(tiny_voc, copied)
    assert capsys.readouterr().out.count('finished and unchanged: skipped') == len(STAGES)
    after = made(copied)
    assert {name: after[name] for name in before} == before
    assert records(copied) == results
    # The stopped one is there as well, and goes on.
    stopped = generation(copied, 'drs_classifier')
    assert [path.name for path in stopped.glob('*.pth')] == ['epoch_1.pth']
    StopInTheMiddle.before_train_epoch = Hook.before_train_epoch
    run_pipeline(tiny_voc, copied, '--to', 'drs_classifier', options=stop)
    assert 'goes on where it was stopped' in capsys.readouterr().out


def test_stopped_between_two_renames(copied, tiny_voc, run_pipeline, capsys) -> None:
    """A generation that was put aside is taken up although no present one is there."""
    aside = StageState(copied / 'drs_maps').put_aside()
    run_pipeline(tiny_voc, copied)
    assert not aside.exists()
    assert capsys.readouterr().out.count('finished and unchanged: skipped') == len(STAGES)


def test_from_needs_what_comes_before(copied, tiny_voc, run_pipeline, tmp_path) -> None:
    with pytest.raises(SystemExit, match=r'drs_maps needs drs_classifier, which is not there'):
        run_pipeline(tiny_voc, tmp_path / 'new', '--from', 'drs_maps')
    with pytest.raises(SystemExit, match='made with another config or inputs'):
        run_pipeline(tiny_voc, copied, '--from', 'drs_maps', options=('drs.delta=0.4',))


@HOOKS.register_module()
class StopInTheMiddle(Hook):
    """Ends a training at its second epoch, as a killed process would."""

    def before_train_epoch(self, runner) -> None:
        if runner.epoch == 1:
            raise KeyboardInterrupt


#: A test makes the hook harmless, so that the same command goes on.
stop_in_the_middle = StopInTheMiddle.before_train_epoch


def test_interrupted_training_goes_on(tmp_path, tiny_voc, run_pipeline, capsys) -> None:
    StopInTheMiddle.before_train_epoch = stop_in_the_middle
    stop = ('plain_classifier.default_hooks.stop.type=StopInTheMiddle',)
    arguments = ('--to', 'plain_classifier')
    folder = tmp_path / 'plain_classifier'
    with pytest.raises(KeyboardInterrupt):
        run_pipeline(tiny_voc, tmp_path, *arguments, options=stop)
    assert [p.name for p in folder.glob('*.pth')] == ['epoch_1.pth']
    # The same command; that the hook is gone would be another config, so it is made harmless.
    StopInTheMiddle.before_train_epoch = Hook.before_train_epoch
    first = (folder / 'epoch_1.pth').stat().st_mtime_ns
    run_pipeline(tiny_voc, tmp_path, *arguments, options=stop)
    assert 'goes on where it was stopped' in capsys.readouterr().out
    assert (folder / 'epoch_1.pth').stat().st_mtime_ns == first
    assert (folder / 'epoch_2.pth').is_file()


def test_interrupted_maps_go_on(copied, tiny_voc, run_pipeline) -> None:
    folder = copied / 'drs_maps'
    (folder / 'done.json').unlink()
    lost = folder / 'train' / 'img_3.npz'
    expected = read_maps(lost)
    lost.unlink()
    damaged = folder / 'val' / 'img_0.npz'
    damaged.write_bytes(damaged.read_bytes()[:100])
    before, results = made(copied), records(copied)
    run_pipeline(tiny_voc, copied, '--to', 'drs_maps')
    after = made(copied)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {'drs_maps/train/img_3.npz', 'drs_maps/val/img_0.npz'}
    np.testing.assert_array_equal(read_maps(lost).values, expected.values)
    assert records(copied) == results


def test_unknown_names_are_errors(tmp_path, tiny_voc, run_pipeline) -> None:
    with pytest.raises(SystemExit, match=r"--from drs_map: no such.*mean 'drs_maps'"):
        run_pipeline(tiny_voc, tmp_path, '--from', 'drs_map')
    with pytest.raises(SystemExit, match=r"'data_rot'.*did you mean 'data_root'"):
        run_pipeline(tiny_voc, tmp_path, options=('data_rot=x',))
    with pytest.raises(SystemExit, match='comes after'):
        run_pipeline(tiny_voc, tmp_path, '--from', 'refinement', '--to', 'drs_maps')
    with pytest.raises(SystemExit, match='holds no `stages`'):
        load_tool('pipeline').main([str(SETTINGS.parents[1] / '_base_' / 'default_runtime.py')])


@pytest.mark.parametrize(
    ('break_it', 'message'),
    [
        (lambda d: (d / 'JPEGImages/img_2.jpg').unlink(), r'image_dir: 1 of 6.*img_2\.jpg'),
        (lambda d: (d / 'saliency_map/img_4.png').unlink(), r'saliency_dir: 1 of 6.*img_4\.png'),
        (lambda d: (d / 'SegmentationClass/img_1.png').unlink(), r'mask_dir.*img_1\.png'),
        (
            lambda d: Image.new('L', (9, 9)).save(d / 'SegmentationClass/img_1.png'),
            r'img_1\.png is 9 x 9',
        ),
        (lambda d: _list(d).write_text('img_0 9\n'), r'train_cls\.txt.*9'),
        (lambda d: _list(d).write_text('img_0 cat\n'), r"train_cls\.txt.*'cat'"),
        (lambda d: _list(d).write_text('\n'), r'train_cls\.txt'),
        (lambda d: _list(d).unlink(), r'train_cls\.txt'),
    ],
)
def test_bad_data_is_found_before_training(
    break_it, message, tmp_path, tiny_voc, run_pipeline
) -> None:
    data = Path(shutil.copytree(tiny_voc, tmp_path / 'data'))
    break_it(data)
    with pytest.raises(SystemExit, match=rf'(?s)error: .*{message}'):
        run_pipeline(data, tmp_path / 'work')
    assert not (tmp_path / 'work' / 'plain_classifier').exists()


def test_all_problems_of_the_data_are_named_at_once(tmp_path, tiny_voc, run_pipeline) -> None:
    """The classifier reads images only, other stages masks and saliency maps as well."""
    data = Path(shutil.copytree(tiny_voc, tmp_path / 'data'))
    (data / 'JPEGImages' / 'img_2.jpg').write_text('<html>404</html>')
    Image.new('L', (48, 40), 9).save(data / 'SegmentationClass' / 'img_4.png')
    with pytest.raises(SystemExit) as stop:
        run_pipeline(data, tmp_path / 'work')
    message = str(stop.value)
    assert 'img_4.png holds 9' in message
    assert message.count('img_2.jpg is not a readable image') == 1


def _list(data: Path) -> Path:
    return data / 'ImageSets/Segmentation/train_cls.txt'


def test_saliency_cue_without_saliency_maps(tmp_path, tiny_voc, run_pipeline) -> None:
    with pytest.raises(SystemExit, match='needs saliency maps: set saliency_dir, learn them'):
        run_pipeline(tiny_voc, tmp_path, options=('saliency_dir=',))


@pytest.mark.parametrize('predicted', [0, 6])
def test_without_masks_and_saliency(
    predicted: int, tmp_path, tiny_voc, run_pipeline, capsys
) -> None:
    """Image labels alone are enough; images of a validation list are predicted, not scored."""
    data = Path(shutil.copytree(tiny_voc, tmp_path / 'data'))
    shutil.rmtree(data / 'SegmentationClass')
    shutil.rmtree(data / 'saliency_map')
    cue = ('pseudo_labels.background_cue._delete_=True', 'pseudo_labels.background_cue.type=power')
    lists = () if predicted else ('val_list=',)
    run_pipeline(data, tmp_path / 'work', options=('mask_dir=', 'saliency_dir=', *lists, *cue))
    found = (tmp_path / 'work' / 'evaluation' / 'predictions').glob('*.png')
    assert len(list(found)) == predicted
    assert len(list((tmp_path / 'work' / 'pseudo_labels' / 'train').glob('*.png'))) == 6
    results = json.loads((tmp_path / 'work' / 'results.json').read_text())
    assert results['scored'] == []
    made = {item['stage']: (item['kind'], item['files']) for item in results['made']}
    assert list(made) == STAGES
    splits = 2 if predicted else 1
    assert made['refined_maps'] == ('maps', 6 * splits)
    assert made['pseudo_labels'] == ('labels', 6 * splits)
    assert made['evaluation'] == ('test', predicted)
    assert results['made'][0]['checkpoint'] == 'epoch_2.pth'
    assert read_evaluations(tmp_path / 'work' / 'results.json') == []
    assert 'nothing was scored: there are no masks' in capsys.readouterr().out


def test_full_disk_says_so_and_keeps_what_is_finished(
    copied, tiny_voc, run_pipeline, monkeypatch
) -> None:
    import errno

    from mmdrs.evaluation.metrics import localization_metric

    (copied / 'drs_maps' / 'done.json').unlink()
    (copied / 'drs_maps' / 'train' / 'img_5.npz').unlink()

    def full(path, maps) -> None:
        raise OSError(errno.ENOSPC, 'No space left on device', str(path))

    before = made(copied)
    with monkeypatch.context() as patched:
        patched.setattr(localization_metric, 'write_maps', full)
        with pytest.raises(SystemExit, match=r'the disk is full \(.*img_5\.npz\)'):
            run_pipeline(tiny_voc, copied, '--to', 'drs_maps')
    assert made(copied) == before
    run_pipeline(tiny_voc, copied, '--to', 'drs_maps')
    assert (copied / 'drs_maps' / 'train' / 'img_5.npz').is_file()


def test_checkpoint_of_another_architecture(copied, tiny_voc, run_pipeline) -> None:
    shutil.copy(copied / 'refinement' / 'epoch_1.pth', copied / 'other.pth')
    shutil.rmtree(copied / 'drs_maps')
    shutil.copy(copied / 'segmentation' / 'epoch_1.pth', copied / 'drs_classifier' / 'epoch_2.pth')
    with pytest.raises(SystemExit, match=r'epoch_2\.pth.*does not fit the model.*decode_head'):
        run_pipeline(tiny_voc, copied, '--to', 'drs_maps')


def test_two_processes(tmp_path, tiny_voc) -> None:
    """Under torchrun one process decides, both work, and each image is there once."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    command = [sys.executable, '-m', 'torch.distributed.run', '--nproc_per_node=2']
    run = subprocess.run(
        [
            *(*command, f'--master_port={port}', str(SETTINGS.parents[2] / 'tools/pipeline.py')),
            *(str(SETTINGS), '--work-dir', str(tmp_path), '--launcher', 'pytorch'),
            *('--to', 'plain_maps', '--cfg-options', *tiny_options(tiny_voc)),
        ],
        env=dict(os.environ, OMP_NUM_THREADS='1', PYTHONPATH=str(SETTINGS.parents[2])),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    assert run.stdout.count('[1/2] plain_classifier') == 1
    stored = [read_maps(path) for path in (tmp_path / 'plain_maps' / 'train').glob('*.npz')]
    assert len(stored) == 6
    assert records(tmp_path)['plain_maps', 'seed', 'coverage', 'train'] > 0


def test_every_training_logs_into_its_own_folder(finished: Path) -> None:
    """MMEngine's visualizers share a folder where they share a name."""
    for stage in ('plain_classifier', 'drs_classifier', 'refinement', 'segmentation'):
        logs = list((finished / stage).glob('*/vis_data/*.json'))
        text = ''.join(path.read_text() for path in logs)
        assert '"loss"' in text, stage


def test_best_checkpoint_goes_before_the_last(copied, tiny_voc, run_pipeline) -> None:
    """As in the released flavour, whose configs choose the checkpoint (`save_best`)."""
    folder = copied / 'drs_classifier'
    best = shutil.copy(folder / 'epoch_1.pth', folder / 'best_mIoU_epoch_1.pth')
    shutil.rmtree(copied / 'drs_maps')
    run_pipeline(tiny_voc, copied, '--to', 'drs_maps')
    found = [e for e in read_evaluations(copied / 'results.json') if e.stage == 'drs_maps']
    assert len(found) == 4
    for evaluation in found:
        weights = evaluation.provenance['weights']
        assert weights == dict(name='best_mIoU_epoch_1.pth', sha256=file_digest(best))
        for score in evaluation.scores:
            assert score.protocol.checkpoint == 'best mIoU on ground truth'
    (plain, *_) = [e for e in read_evaluations(copied / 'results.json') if e.stage == 'plain_maps']
    assert plain.provenance['weights']['name'] == 'epoch_2.pth'
    assert plain.scores[0].protocol.checkpoint == 'last'


def test_a_checkpoint_that_was_cut_is_passed_over(copied: Path) -> None:
    """Half of a best one, which is the newest file, and a pointer without content."""
    folder = copied / 'drs_classifier'
    content = (folder / 'epoch_1.pth').read_bytes()
    (folder / 'best_mIoU_epoch_1.pth').write_bytes(content[: len(content) // 2])
    run = stage_runs(load_settings(copied / 'settings.py'), copied)['drs_maps']
    assert run.checkpoint('drs_classifier') == str(folder / 'epoch_2.pth')
    (folder / 'last_checkpoint').write_text('')
    assert run.checkpoint('drs_classifier') == str(folder / 'epoch_2.pth')
    for name in ('epoch_1.pth', 'epoch_2.pth'):
        (folder / name).write_bytes(b'')
    with pytest.raises(InputError, match=r'none in .*run that stage first'):
        run.checkpoint('drs_classifier')


def test_released_settings_choose_the_checkpoint(tmp_path) -> None:
    settings = load_settings('mmdrs::voc12/settings_voc12-released.py')
    for stage in ('drs_classifier', 'segmentation'):
        hook = settings.stage_config(stage, tmp_path).default_hooks.checkpoint
        assert hook.save_best == 'mIoU', stage
