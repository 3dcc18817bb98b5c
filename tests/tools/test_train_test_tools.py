"""tools/train.py, tools/test.py and the shell scripts around them."""

import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from PIL import Image
from torch import nn

from mmdrs import apis
from mmdrs.errors import InputError

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / 'tools'
TINY = str(ROOT / 'tests' / 'data' / 'configs' / 'tiny_fcn.py')


SETTINGS = str(ROOT / 'configs' / 'custom' / 'settings_custom.py')
#: It ended after 0 iterations, as if it had trained.
TOO_FEW = ['train_dataloader.batch_size=7', 'train_dataloader.drop_last=True']
TOO_FEW += ['train_dataloader.sampler.type=DefaultSampler']


def load_tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f'mmdrs_tool_{name}', TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _data(tiny_voc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('TINY_VOC', str(tiny_voc))


@pytest.fixture(scope='module')
def trained(tiny_voc: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work directory with a training of two iterations."""
    work_dir = tmp_path_factory.mktemp('trained')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('TINY_VOC', str(tiny_voc))
        train(work_dir)
    return work_dir


def train(work_dir: Path, *arguments: str) -> None:
    options = ['--cfg-options', 'randomness.seed=0', f'experiment_name={work_dir.name}']
    load_tool('train').main([TINY, '--work-dir', str(work_dir), *arguments, *options])


def read(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: np.array(Image.open(path)) for path in sorted(folder.glob('*.png'))}


def mean_iou(predictions: dict[str, np.ndarray], masks: dict[str, np.ndarray]) -> float:
    """Mean IoU in percent, 255 of the masks left out: a plain restatement."""
    predicted = np.concatenate([predictions[name].ravel() for name in masks])
    wanted = np.concatenate([mask.ravel() for mask in masks.values()])
    predicted, wanted = predicted[wanted != 255], wanted[wanted != 255]
    scores = [
        ((predicted == index) & (wanted == index)).sum()
        / ((predicted == index) | (wanted == index)).sum()
        for index in range(4)
    ]
    return 100 * float(np.mean(scores))


def test_train_and_resume(trained: Path, tmp_path: Path) -> None:
    first = torch.load(trained / 'iter_2.pth')
    for name in ('iter_2.pth', 'last_checkpoint'):
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    load_tool('train').main(
        [TINY, '--work-dir', str(tmp_path), '--resume', '--cfg-options', 'train_cfg.max_iters=4']
    )
    second = torch.load(tmp_path / 'iter_4.pth')
    assert (first['meta']['iter'], second['meta']['iter']) == (2, 4)
    losses = [run['message_hub']['log_scalars']['train/loss'].data[0] for run in (first, second)]
    assert len(losses[1]) == 4
    assert losses[1][:2].tolist() == losses[0].tolist()  # went on, did not start again
    momentum = [run['optimizer']['state'][0]['momentum_buffer'] for run in (first, second)]
    assert not torch.equal(*momentum)


def test_out_writes_what_was_scored(trained: Path, tiny_voc: Path, tmp_path: Path) -> None:
    cfg = apis.load_config(TINY, {'experiment_name': 'test_out'}, str(tmp_path / 'work'))
    apis.apply_output(cfg, str(tmp_path / 'out'))
    metrics = apis.test_model(cfg, str(trained / 'iter_2.pth'))
    masks, predictions = read(tiny_voc / 'SegmentationClass'), read(tmp_path / 'out')
    assert list(predictions) == list(masks) == [f'img_{number}' for number in range(6)]
    assert all(prediction.shape == (40, 48) for prediction in predictions.values())
    assert metrics['mIoU'] == pytest.approx(mean_iou(predictions, masks), abs=0.01)


@pytest.mark.parametrize('arguments', [(), ('--out', 'out'), ('--tta',), ('--show-dir', 'show')])
def test_config_that_was_stored_without_masks(
    trained: Path, tmp_path: Path, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    nothing = ['--cfg-options', 'test_dataloader=None', 'test_evaluator=None', 'test_cfg=None']
    message = r'^error: the config .*tiny_fcn\.py. has no test_dataloader .* stored without masks'
    with pytest.raises(SystemExit, match=message):
        load_tool('test').main([TINY, str(trained / 'iter_2.pth'), *arguments, *nothing])


def move_into_folders(tiny_voc: Path, root: Path) -> None:
    """Copy the data so that images 0 and 1 are ``x/a`` and ``y/a``, the others as they are."""
    names = {'img_0': 'x/a', 'img_1': 'y/a'}
    for folder, suffix in (('JPEGImages', '.jpg'), ('SegmentationClass', '.png')):
        for path in (tiny_voc / folder).iterdir():
            target = root / folder / f'{names.get(path.stem, path.stem)}{suffix}'
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    ids = [names.get(f'img_{n}', f'img_{n}') for n in range(6)]
    (root / 'list.txt').write_text('\n'.join(ids))


@pytest.mark.parametrize('tta', [False, True])
def test_images_of_one_name_in_two_folders(
    trained: Path, tiny_voc: Path, tmp_path: Path, tta: bool
) -> None:
    """Stock transforms pack no id, and both predictions were one file."""
    move_into_folders(tiny_voc, tmp_path)
    cfg = apis.load_config(TINY, {'experiment_name': f'folders_{tta}'}, str(tmp_path / 'work'))
    if tta:
        apis.apply_tta(cfg)
    data = cfg.test_dataloader.dataset
    data.update(data_root=str(tmp_path), ann_file='list.txt')
    apis.apply_output(cfg, str(tmp_path / 'out'))
    with pytest.raises(InputError, match=r'x/a\.jpg and .*y/a\.jpg would be one file'):
        apis.test_model(cfg, str(trained / 'iter_2.pth'))
    assert not list((tmp_path / 'out').iterdir())
    data.update(type='PseudoLabelDataset', _scope_='mmseg')
    metrics = apis.test_model(cfg, str(trained / 'iter_2.pth'))
    names = [path.relative_to(tmp_path / 'out') for path in (tmp_path / 'out').rglob('*.png')]
    assert sorted(map(str, names)) == [f'img_{n}.png' for n in range(2, 6)] + [
        'x/a.png',
        'y/a.png',
    ]
    for name in ('x', 'y'):
        written = read(tmp_path / 'out' / name)
        assert written['a'].shape == (40, 48)
    predictions = {str(name): np.array(Image.open(tmp_path / 'out' / name)) for name in names}
    masks = {
        str(name): np.array(Image.open(tmp_path / 'SegmentationClass' / name)) for name in names
    }
    assert metrics['mIoU'] == pytest.approx(mean_iou(predictions, masks), abs=0.01)


@pytest.mark.parametrize('folder', ['SegmentationClass', 'saliency_map'])
def test_predictions_do_not_overwrite_data(
    trained: Path, tiny_voc: Path, tmp_path: Path, folder: str
) -> None:
    """Masks, that the config knows, and saliency maps, that it does not."""
    before = {path.name: path.read_bytes() for path in (tiny_voc / folder).iterdir()}
    cfg = apis.load_config(TINY, {'experiment_name': folder}, str(tmp_path / 'work'))
    apis.apply_output(cfg, str(tiny_voc / folder))
    with pytest.raises(InputError, match=rf'{folder}/img_0\.png .*would be overwritten'):
        apis.test_model(cfg, str(trained / 'iter_2.pth'))
    assert {path.name: path.read_bytes() for path in (tiny_voc / folder).iterdir()} == before


def test_more_classes_than_predictions_hold(trained: Path, tmp_path: Path) -> None:
    cfg = apis.load_config(TINY, {'experiment_name': 'classes'}, str(tmp_path / 'work'))
    cfg.test_dataloader.dataset.metainfo = dict(
        classes=[str(number) for number in range(256)], palette=[[0, 0, 0]] * 256
    )
    apis.apply_output(cfg, str(tmp_path / 'out'))
    with pytest.raises(InputError, match='8 bits, which hold 255 classes; this data set has 256'):
        apis.test_model(cfg, str(trained / 'iter_2.pth'))


@MODELS.register_module()
class Pixels(nn.Module):
    """A backbone whose features are the image, for predictions that vary without a training."""

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor]:
        return (image,)


def test_crf_beside_the_plain_score(tiny_voc: Path, tmp_path: Path) -> None:
    """Two metrics of one run, each with its own files; neither changes the other's."""
    pytest.importorskip('pydensecrf')
    cfg = apis.load_config(TINY, {'experiment_name': 'test_crf'}, str(tmp_path / 'work'))
    cfg.model.backbone = dict(type='Pixels')
    cfg.model.decode_head |= dict(in_channels=3, in_index=0, channels=3, num_convs=0)
    cfg.model.decode_head |= dict(concat_input=False, dropout_ratio=0, norm_cfg=None)
    plain = dict(type='IoUMetric', iou_metrics=['mIoU'])
    cfg.test_evaluator = [dict(type='CRFIoUMetric', iou_metrics=['mIoU']), plain]
    config, checkpoint, out = tmp_path / 'crf.py', str(tmp_path / 'net.pth'), tmp_path / 'out'
    cfg.dump(config)
    init_default_scope('mmseg')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    nn.init.normal_(model.decode_head.conv_seg.weight)
    torch.save(dict(state_dict=model.state_dict()), checkpoint)

    load_tool('test').main([str(config), checkpoint, '--out', str(out)])
    cfg.test_evaluator = plain
    apis.apply_output(cfg, str(tmp_path / 'plain'))
    apis.test_model(cfg, checkpoint)
    expected, alone, refined = read(tmp_path / 'plain'), read(out), read(out / 'crf')
    assert list(refined) == list(alone) == list(expected) == list(read(tiny_voc / 'saliency_map'))
    assert all((alone[name] == expected[name]).all() for name in expected)
    assert any((refined[name] != expected[name]).any() for name in expected)
    with pytest.raises(
        SystemExit, match='error: CRFIoUMetric: the seg_logits of .*ProbabilityTTA'
    ):
        load_tool('test').main([str(config), checkpoint, '--tta'])


def test_tta_and_painted_images(trained: Path, tmp_path: Path) -> None:
    arguments = ['--tta', '--show-dir', str(tmp_path / 'shown'), '--out', str(tmp_path / 'out')]
    load_tool('test').main(
        [TINY, str(trained / 'iter_2.pth'), '--work-dir', str(tmp_path / 'work'), *arguments]
        + ['--cfg-options', 'experiment_name=test_tta']
    )
    assert len(list((tmp_path / 'shown').rglob('*.png'))) == 6
    plain = tmp_path / 'plain'
    load_tool('test').main(
        [TINY, str(trained / 'iter_2.pth'), '--work-dir', str(tmp_path / 'work')]
        + ['--out', str(plain), '--cfg-options', 'experiment_name=test_plain']
    )
    merged, single = read(tmp_path / 'out'), read(plain)
    assert list(merged) == list(single)
    assert any((merged[name] != single[name]).any() for name in merged)


@pytest.mark.parametrize(
    ('tool', 'arguments', 'message'),
    [
        ('train', ['nothing.py'], "config file 'nothing.py' does not exist"),
        ('train', [TINY, '--cfg-options', 'modell.type=A'], "did you mean 'model'"),
        ('train', [TINY, '--cfg-options', 'load_from=gone.pth'], "'gone.pth' does not exist"),
        ('test', [TINY, 'gone.pth'], "checkpoint 'gone.pth' does not exist"),
        ('train', [SETTINGS], 'is a settings file (it has `stages`)'),
        ('test', [SETTINGS, 'gone.pth'], f'run its stages with mmdrs run {SETTINGS}'),
        ('train', [TINY, '--settings', TINY], 'is the config of one network'),
        ('train', [TINY, '--cfg-options', *TOO_FEW], 'has 6 images (for each process), fewer'),
        ('test', [TINY, 'gone.pth', '--tta', '--cfg-options', 'tta_model=None'], 'no tta_model'),
    ],
)
def test_bad_input_is_one_message(
    tool: str, arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        load_tool(tool).main(arguments)
    assert str(stop.value).startswith('error: ')
    assert message in str(stop.value)


def test_checkpoint_of_another_model_is_refused(trained: Path, tmp_path: Path) -> None:
    options = ['model.decode_head.channels=6', 'experiment_name=test_other']
    with pytest.raises(SystemExit, match=r'iter_2\.pth. does not fit the model.*conv_seg'):
        load_tool('test').main(
            [TINY, str(trained / 'iter_2.pth'), '--work-dir', str(tmp_path)]
            + ['--cfg-options', *options]
        )


def run_script(name: str, *arguments: str, cwd: Path, **environment: str) -> str:
    """Run a shell script of tools/ and return what it printed."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    environment = {**os.environ, 'PYTHON': sys.executable, 'PORT': str(port), **environment}
    done = subprocess.run(
        ['bash', str(TOOLS / name), *arguments],
        cwd=cwd,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_two_processes_without_gpu(trained: Path, tmp_path: Path) -> None:
    """Training runs, and a test gives the predictions of one process. Paths have spaces."""
    config = tmp_path / 'a config.py'
    config.write_text(f'_base_ = [{TINY!r}]\n')
    printed = run_script(
        'dist_train.sh', config.name, '2', '--work-dir', 'a work dir', cwd=tmp_path
    )
    assert 'BN takes its place' in printed
    assert torch.load(tmp_path / 'a work dir' / 'iter_2.pth')['meta']['iter'] == 2

    checkpoint = str(trained / 'iter_2.pth')
    run_script('dist_test.sh', config.name, checkpoint, '2', '--out', 'two', cwd=tmp_path)
    cfg = apis.load_config(TINY, {'experiment_name': 'test_one'}, str(tmp_path / 'work'))
    apis.apply_output(cfg, str(tmp_path / 'one'))
    apis.test_model(cfg, checkpoint)
    one, two = read(tmp_path / 'one'), read(tmp_path / 'two')
    assert list(one) == list(two)
    assert all(np.array_equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize(
    ('name', 'arguments', 'tool'),
    [
        ('slurm_train.sh', ['part', 'job', 'my config.py'], ['train.py', 'my config.py']),
        ('slurm_test.sh', ['part', 'job', 'c.py', 'a b.pth'], ['test.py', 'c.py', 'a b.pth']),
    ],
)
def test_slurm_scripts(name: str, arguments: list[str], tool: list[str], tmp_path: Path) -> None:
    """The scripts hand every argument on whole, to a stand-in for srun that prints them."""
    srun = tmp_path / 'srun'
    srun.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    srun.chmod(0o755)
    path = f'{tmp_path}{os.pathsep}{os.environ["PATH"]}'
    settings = {'PATH': path, 'SRUN_ARGS': '--mem 4G', 'GPUS': '8'}
    extra = ['--work-dir', 'a dir', '--cfg-options', 'a=[1, 2]']
    printed = run_script(name, *arguments, *extra, cwd=tmp_path, **settings).splitlines()
    assert {'--partition=part', '--job-name=job', '--ntasks=8', '--gres=gpu:4'} <= set(printed)
    start = printed.index('--mem')
    command = [sys.executable, '-u', str(TOOLS / tool[0]), *tool[1:]]
    assert printed[start:] == ['--mem', '4G', *command, '--launcher', 'slurm', *extra]


@pytest.mark.parametrize('name', ['dist_train', 'dist_test', 'slurm_train', 'slurm_test'])
def test_scripts_tell_their_usage(name: str) -> None:
    done = subprocess.run(['bash', str(TOOLS / f'{name}.sh')], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith('usage: ')
