"""Device mistakes, found without a GPU: whole runs on a device that only pretends to be one.

It computes on the CPU, so a run there must give the numbers of a run on the CPU.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.pipeline_runs import ROOT, SETTINGS, tiny_options

EVERYTHING = """
_base_ = {base!r}
backbone = dict(
    _delete_=True,
    type='ResNet',
    depth=18,
    base_channels=4,
    out_indices=(3,),
    strides=(1, 2, 1, 1),
    norm_cfg=dict(type='BN'),
    norm_eval=True,
)
feature_channels = 32
drs = dict(_delete_=True, type='LearnableDRS')
drs_layers = [r'layer[34].*relu@.']
head_drs = dict(_delete_=True, type='LearnableDRS')
pseudo_labels = dict(background_cue=dict(type='power', exponent=2))
segmentation_backbone = dict(out_indices=(3,))
segmentation_head = dict(
    _delete_=True,
    type='DeepLabV2Head',
    in_channels=32,
    dilations=(1, 2),
    self_training='exclude',
)
stages = dict(
    drs_classifier='drs_classifier.py',
    segmentation='segmentation.py',
)
"""
DRS_CLASSIFIER = """
_base_ = 'mmdrs::custom/drs-classifier_custom.py'
custom_hooks = [
    dict(type='PreciseBNHook', num_batches=2),
    dict(type='DRSScheduleHook', warmup_iters=2),
    dict(type='DRSVisualizationHook', interval=1),
]
"""
SEGMENTATION = """
_base_ = 'mmdrs::custom/segmentation_custom.py'
model = dict(type='MultiScaleEncoderDecoder', scales=(0.5,))
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='Resize', scale=(32, 32)),
    dict(type='PackDRSInputs'),
]
train_dataloader = dict(dataset=dict(image_labels=True, pipeline=train_pipeline))
"""


def run(*arguments: str, code: str | None = None) -> subprocess.CompletedProcess:
    command = ['-c', code] if code else ['-m', 'tests.pretended_device', *arguments]
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def failure(done: subprocess.CompletedProcess) -> str:
    """The traceback, without the list of kernels that PyTorch appends."""
    return '\n'.join(line for line in done.stderr.splitlines() if 'registered at' not in line)


def records(work_dir: Path) -> list[dict]:
    found = json.loads((work_dir / 'results.json').read_text())
    return [{key: item[key] for key in ('stage', 'scores')} for item in found]


MISTAKES = """
import numpy as np, torch
from tests.pretended_device import PretendedDevice, install

def product(): x @ torch.ones(3, 2)
def layer(): torch.nn.Linear(3, 2)(x)
def sum_of_moved(): x.new_zeros(2, 3) + 2 * x.cpu()
def write(): torch.ones(2, 3).add_(x)
def mask(): x[torch.ones(2, 3) > 0] + torch.ones(6)
def numpy(): x.numpy()
def array(): np.asarray(x)

install()
with PretendedDevice():
    x = torch.ones(2, 3).to('pretended')
    assert (2 * x + x.new_ones(2, 3)).cpu().numpy().sum() == 18
    for mistake in (product, layer, sum_of_moved, write, mask, numpy, array):
        try:
            mistake()
        except (RuntimeError, TypeError) as error:
            print(mistake.__name__, 'noticed:', error)
"""


def test_mistakes_are_noticed() -> None:
    done = run(code=MISTAKES)
    assert not done.returncode, done.stderr
    lines = dict(line.split(' noticed: ') for line in done.stdout.splitlines())
    assert [*lines] == re.findall(r'def (\w+)', MISTAKES)
    assert all('tensors on two devices' in message for message in [*lines.values()][:5])


def test_pipeline_gives_the_results_of_the_cpu(tmp_path, tiny_voc, finished) -> None:
    options = tiny_options(tiny_voc)
    done = run('pipeline', str(SETTINGS), '--work-dir', str(tmp_path), '--cfg-options', *options)
    assert not done.returncode, failure(done)
    assert records(tmp_path) == records(finished)
    maps = sorted((finished / 'drs_maps' / 'train').glob('*.npz'))
    assert len(maps) == 6
    for path in maps:
        with np.load(path) as cpu, np.load(tmp_path / 'drs_maps' / 'train' / path.name) as found:
            assert np.array_equal(found['values'], cpu['values'])


def test_every_layer_head_and_hook(tmp_path, tiny_voc) -> None:
    """Learned controls, precise BN, schedule, self-training on a pyramid, autocast."""
    settings = tmp_path / 'settings.py'
    settings.write_text(EVERYTHING.format(base=str(SETTINGS)))
    (tmp_path / 'drs_classifier.py').write_text(DRS_CLASSIFIER)
    (tmp_path / 'segmentation.py').write_text(SEGMENTATION)
    own = re.compile('backbone|feature_channels|drs_layers|segmentation_(backbone|head)')
    options = [item for item in tiny_options(tiny_voc) if not own.match(item)]
    options += ['drs_classifier.test_cfg.precision=bfloat16', 'batch_size=3']
    work_dir = tmp_path / 'run'
    done = run('pipeline', str(settings), '--work-dir', str(work_dir), '--cfg-options', *options)
    assert not done.returncode, failure(done)
    log = ''.join(path.read_text() for path in (work_dir / 'drs_classifier').rglob('*.log'))
    assert 'batch norms have the statistics of 2 batches' in log
    stages = [record['stage'] for record in records(work_dir)]
    assert {'plain_maps', 'drs_maps', 'refined_maps', 'pseudo_labels', 'evaluation'} == {*stages}
