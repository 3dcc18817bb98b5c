"""A script whose processes are spawned, as on Windows: those of a pool and of data loaders."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline_runs import ROOT

SCRIPT = """
import multiprocessing
import sys

import mmdrs.apis

changed = []


def seen(number):
    return number, __name__, len(changed), multiprocessing.get_start_method()


if __name__ == '__main__':
    multiprocessing.set_start_method('spawn')
    changed.append('what a fork would see')
    print(list(mmdrs.apis.ordered_map(seen, range(3), workers=1)))
    options = {
        'train_dataloader.num_workers': 1,
        'train_dataloader.persistent_workers': True,
        'val_dataloader.num_workers': 1,
        'train_cfg.max_iters': 2,
        'train_cfg.val_interval': 2,
    }
    runner = mmdrs.apis.train_model(mmdrs.apis.load_config(sys.argv[1], options, sys.argv[2]))
    print('trained', runner.iter, multiprocessing.get_start_method())
"""


@pytest.mark.processes
def test_spawned_from_a_script(tiny_voc: Path, tmp_path: Path) -> None:
    script = tmp_path / 'script.py'
    script.write_text(SCRIPT, 'utf-8')
    config = ROOT / 'tests' / 'data' / 'configs' / 'tiny_fcn.py'
    done = subprocess.run(
        [sys.executable, str(script), str(config), str(tmp_path / 'work')],
        env=os.environ | {'TINY_VOC': str(tiny_voc), 'PYTHONPATH': str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert str([(number, '__mp_main__', 0, 'spawn') for number in range(3)]) in done.stdout
    assert done.stdout.splitlines()[-1] == 'trained 2 spawn'
