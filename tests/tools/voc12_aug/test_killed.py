"""Killed at any moment and repeated; a full disk."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tools.voc12_aug.preparing import ANY, TOOL, prepare
from tests.tools.voc_archives import (
    SBD,
    TRAIN_AUG,
    contents,
    mask_of,
    mat_bytes,
    sbd_files,
    write_archives,
    write_tar,
)

if not hasattr(os, 'fork'):
    pytest.skip('processes are forked', allow_module_level=True)


def run_and_kill(
    archives: tuple[Path, Path, Path], out: Path, title: str, after: int, move: int
) -> None:
    """Prepare in a process that is killed at a step, in the middle of the next file.

    Args:
        archives: Of VOC, SBD and VOC test.
        out: Folder of the data set.
        title: The step, '' for none.
        after: How many files of the step are done then.
        move: How many folders are in place then; 0 for another step.
    """

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def report(step: str, done: int, _: int) -> None:
        if (step, done) == (title, after):
            folder = out / '.VOC2012.part' / ('SegmentationClassAug' if move == 0 else '')
            if folder.is_dir():  # what a file is called until it is whole
                (folder / '.s3.1.tmp.png').write_bytes(b'half')
            kill()

    process = os.fork()
    if process == 0:
        try:
            if move:
                TOOL.move_files = kill_at(move, TOOL.move_files, kill)
            prepare(*archives[:2], out, report=report)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL


def kill_at(count: int, function: Callable, kill: Callable[[], None]) -> Callable:
    """The function, but after ``count`` calls the process ends."""
    calls = []

    def counting(*arguments: object) -> None:
        function(*arguments)
        calls.append(arguments)
        if len(calls) == count:
            kill()

    return counting


@pytest.mark.parametrize(
    ('title', 'after', 'move'),
    [('voc.tar', 1, 0), ('voc.tar', 9, 0), ('masks', 2, 0), ('masks', 6, 0)]
    + [('', 0, folders) for folders in range(1, 6)],
)
def test_killed_and_repeated(
    tmp_path: Path,
    made: Path,
    archives: tuple[Path, Path, Path],
    title: str,
    after: int,
    move: int,
) -> None:
    run_and_kill(archives, tmp_path, title, after, move)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == ({'VOC2012', '.VOC2012.part'} if move else {'.VOC2012.part'})
    steps = []
    made_now = prepare(*archives[:2], tmp_path, report=lambda *step: steps.append(step))
    assert made_now == (TRAIN_AUG, True)
    assert contents(tmp_path / 'VOC2012') == contents(made)
    assert [path.name for path in tmp_path.iterdir()] == ['VOC2012']
    # Only what was missing is made: 23 files are copied, 7 masks made.
    done = {'voc.tar': 23, 'masks': 7} if move else {'voc.tar': after, 'masks': 0}
    if title == 'masks':
        done = {'voc.tar': 23, 'masks': after}
    for name, total in (('voc.tar', 23), ('masks', 7)):
        assert sum(step[0] == name for step in steps) == total - done[name]


def test_half_unpacked_file_is_unpacked_again(
    tmp_path: Path, made: Path, archives: tuple[Path, Path, Path]
) -> None:
    run_and_kill(archives, tmp_path, 'voc.tar', 9, 0)
    (half, *_) = (tmp_path / '.VOC2012.part' / 'JPEGImages').glob('*.jpg')
    half.write_bytes(half.read_bytes()[:9])
    prepare(*archives[:2], tmp_path)
    assert contents(tmp_path / 'VOC2012') == contents(made)


def test_prepared_files_of_another_archive_are_not_used(
    tmp_path: Path, archives: tuple[Path, Path, Path]
) -> None:
    run_and_kill(archives, tmp_path, 'masks', 6, 0)
    changed = sbd_files() | {f'{SBD}/cls/s1.mat': mat_bytes(mask_of('s1', 5))}
    other = write_tar(tmp_path / 'other.tgz', changed | {'more': os.urandom(500)})
    prepare(archives[0], other, tmp_path)
    found = np.asarray(Image.open(tmp_path / 'VOC2012' / 'SegmentationClassAug' / 's1.png'))
    np.testing.assert_array_equal(found, mask_of('s1', 5))


def test_full_disk_is_an_error_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voc, sbd, _ = map(str, write_archives(tmp_path))
    arguments = [voc, sbd, '--out', str(tmp_path / 'out'), '--expected', '5', ANY]

    def copy(*_: object, **__: object) -> None:
        raise OSError(28, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr('tarfile.copyfileobj', copy)
        with pytest.raises(SystemExit, match=r'^error: \[Errno 28\] No space left on device'):
            TOOL.main(arguments)
    assert not (tmp_path / 'out' / 'VOC2012').exists()
    TOOL.main(arguments)
    assert len(list((tmp_path / 'out' / 'VOC2012' / 'SegmentationClassAug').iterdir())) == 7
