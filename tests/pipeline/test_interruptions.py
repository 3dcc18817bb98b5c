"""A pipeline killed at moments spread over all stages ends as one that was never stopped.

``MMDRS_KILLS=12`` tries more moments than the few of every test run.
"""

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mmengine.runner import CheckpointLoader

from mmdrs.evaluation.records.record import read_evaluations
from mmdrs.pseudo_labels.label_file import read_label
from mmdrs.pseudo_labels.map_file import read_maps

if not hasattr(signal, 'SIGKILL'):
    pytest.skip('processes end themselves by signals of POSIX', allow_module_level=True)

KILLS = int(os.environ.get('MMDRS_KILLS', '2'))
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def in_a_process(
    run: Callable, data: Path, work_dir: Path, moment: int = -1, ending: int = signal.SIGKILL
) -> int:
    """Run the pipeline in a forked process, which ends itself as it writes its n-th file.

    Returns:
        How many files it wrote or renamed; less than ``moment`` where it was not ended.
    """
    count = multiprocessing.Value('i', 0)

    def ended(event: str, arguments: tuple) -> None:
        written = event == 'os.rename' or (
            event == 'open' and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        )
        if written and str(arguments[0]).startswith(str(work_dir)):
            count.value += 1
            if count.value == moment:
                os.kill(os.getpid(), ending)

    def child() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        sys.addaudithook(ended)
        with (work_dir.parent / 'output.txt').open('a') as output:
            sys.stdout = sys.stderr = output
            run(data, work_dir)

    process = multiprocessing.get_context('fork').Process(target=child)
    process.start()
    process.join()
    assert process.exitcode == 0 or count.value >= moment > 0, (
        work_dir.parent / 'output.txt'
    ).read_text()[-3000:]
    return count.value


@pytest.fixture(scope='module')
def uninterrupted(tmp_path_factory, tiny_voc: Path, run_pipeline) -> tuple[Path, int]:
    """A work directory, and how many files were written into it."""
    work_dir = tmp_path_factory.mktemp('uninterrupted') / 'work'
    return work_dir, in_a_process(run_pipeline, tiny_voc, work_dir)


@pytest.mark.parametrize('number', range(KILLS))
def test_same_results(
    number: int, uninterrupted: tuple[Path, int], tmp_path: Path, tiny_voc: Path, run_pipeline
) -> None:
    expected, writes = uninterrupted
    work_dir = tmp_path / 'work'
    moment = round(writes * (number + 0.7) / KILLS)
    ending = SIGNALS[number % len(SIGNALS)]
    assert in_a_process(run_pipeline, tiny_voc, work_dir, moment, ending) >= moment
    assert not (work_dir / 'results.json').is_file()
    begun = {path.parent.name for path in work_dir.glob('*/started.json')}
    stopped = begun - {path.parent.name for path in work_dir.glob('*/done.json')}
    in_a_process(run_pipeline, tiny_voc, work_dir)
    assert contents(work_dir) == contents(expected)
    left = [path for path in work_dir.rglob('.*') if path.is_file()]
    assert left == []
    # The state and the records say so.
    states = {path.parent: json.loads(path.read_text()) for path in work_dir.glob('*/done.json')}
    assert {folder.name for folder, state in states.items() if state['resumed']} == stopped
    records = read_evaluations(work_dir / 'results.json')
    assert {name for item in records for name in item.provenance.get('resumed', [])} == stopped


def contents(work_dir: Path) -> dict[str, object]:
    """Weights, maps, labels, predictions and scores, comparable."""
    found: dict[str, object] = {}
    for path in work_dir.glob('*/*.pth'):
        state = CheckpointLoader.load_checkpoint(str(path), 'cpu', logger='silent')['state_dict']
        found[str(path.relative_to(work_dir))] = {k: v.numpy().tobytes() for k, v in state.items()}
    for path in work_dir.glob('*/*/*.npz'):
        maps = read_maps(path)
        found[str(path.relative_to(work_dir))] = maps.labels, maps.scale, maps.values.tobytes()
    for path in work_dir.glob('*/*/*.png'):
        found[str(path.relative_to(work_dir))] = np.asarray(read_label(path)).tobytes()
    for evaluation in read_evaluations(work_dir / 'results.json'):
        for score in evaluation.scores:
            key = f'{evaluation.stage} {evaluation.task} {evaluation.split} {score.metric}'
            found[key] = score.value, dict(score.per_class)
    return found
