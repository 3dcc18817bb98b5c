"""VOC 2012 with SBD's masks: worked by hand, killed and repeated, and with every wrong input."""

import hashlib
import os
import re
import signal
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.errors import InputError, MissingFileError
from mmdrs.pseudo_labels.palette import voc_palette
from tests.pipeline_runs import load_tool
from tests.tools.voc_archives import (
    CLASS_OF,
    LISTS,
    SBD,
    SIZES,
    TRAIN_AUG,
    VOC,
    contents,
    jpg_bytes,
    mask_of,
    mat_bytes,
    png_bytes,
    sbd_files,
    special,
    voc_files,
    write_archives,
    write_tar,
)

TOOL = load_tool('dataset_converters/voc12_aug')
ANY = '--any-checksum'


def prepare(voc: Path, sbd: Path, out: Path, test: Path | None = None, **options):
    """Prepare from archives that are not those that are published."""
    archives = {'VOC': voc, 'SBD': sbd} | ({'VOC test': test} if test else {})
    options = {'expected': 5, 'any_checksum': True} | options
    return TOOL.prepare_voc_aug(archives, out, **options)


@pytest.fixture(scope='module')
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    return write_archives(tmp_path_factory.mktemp('archives'))


@pytest.fixture(scope='module')
def made(archives: tuple[Path, Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data set of an undisturbed run. Tests must not change it."""
    out = tmp_path_factory.mktemp('made')
    assert prepare(*archives[:2], out) == (TRAIN_AUG, True)
    assert [path.name for path in out.iterdir()] == ['VOC2012']
    return out / 'VOC2012'


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


def test_files_are_those_of_the_archives(made: Path) -> None:
    expected = {
        name.removeprefix(f'{VOC}/'): data
        for name, data in voc_files().items()
        if '/Main/' not in name and '/SegmentationObject/' not in name
    }
    found = contents(made)
    assert {name: found[name] for name in expected} == expected
    added = {f'SegmentationClassAug/{name}.png' for name in CLASS_OF}
    lists = {'ImageSets/Segmentation/train_aug.txt', 'voc12_aug.json'}
    assert found.keys() - expected.keys() == added | lists


def test_train_aug_is_train_and_sbd_without_val(made: Path) -> None:
    text = (made / 'ImageSets' / 'Segmentation' / 'train_aug.txt').read_text()
    assert text == 'a1\na2\ns1\ns2\ns3\n'


@pytest.mark.parametrize('name', CLASS_OF)
def test_mask_of_voc_wins(made: Path, name: str) -> None:
    with Image.open(made / 'SegmentationClassAug' / f'{name}.png') as mask:
        assert mask.mode == 'P'
        assert mask.getpalette()[: 21 * 3] == np.ravel(voc_palette(21)).tolist()
        np.testing.assert_array_equal(np.asarray(mask), mask_of(name, CLASS_OF[name]))


def test_finished_data_set_is_kept(made: Path, archives: tuple[Path, Path, Path]) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.rglob('*')}
    assert prepare(*archives[:2], made.parent) == (TRAIN_AUG, False)
    assert {path: path.stat().st_mtime_ns for path in made.rglob('*')} == before
    with pytest.raises(InputError, match='was made with 5 images, expected 10582'):
        prepare(*archives[:2], made.parent, expected=TOOL.TRAIN_AUG_SIZE)


def test_removed_files_are_made_again(
    tmp_path: Path, made: Path, archives: tuple[Path, Path, Path]
) -> None:
    prepare(*archives[:2], tmp_path)
    root = tmp_path / 'VOC2012'
    for name in ('JPEGImages/d1.jpg', 'SegmentationClassAug/s2.png'):
        (root / name).unlink()
    (root / 'ImageSets' / 'Segmentation' / 'train_aug.txt').unlink()
    (root / 'ImageSets' / 'Segmentation' / 'mine.txt').write_text('a1\n')
    assert prepare(*archives[:2], tmp_path) == (TRAIN_AUG, True)
    (root / 'ImageSets' / 'Segmentation' / 'mine.txt').unlink()
    (root / 'voc12_aug.json').write_bytes((made / 'voc12_aug.json').read_bytes())
    assert contents(root) == contents(made)


def test_test_archive_now_or_later(tmp_path: Path, archives: tuple[Path, Path, Path]) -> None:
    voc, sbd, test = archives
    now, later = (tmp_path / name / 'VOC2012' for name in ('now', 'later'))
    prepare(voc, sbd, now.parent, test)
    prepare(voc, sbd, later.parent)
    assert not (later / 'JPEGImages' / 't1.jpg').exists()
    assert prepare(voc, sbd, later.parent, test) == (TRAIN_AUG, True)
    assert contents(now) == contents(later)
    assert (now / 'ImageSets' / 'Segmentation' / 'test.txt').read_text() == 't1\n'
    assert (now / 'JPEGImages' / 't1.jpg').exists()
    assert not (now / 'Annotations' / 't1.xml').exists()
    for more in (None, test):
        assert prepare(voc, sbd, later.parent, more) == (TRAIN_AUG, False)


def test_folder_unpacked_by_hand_is_completed(
    tmp_path: Path, made: Path, archives: tuple[Path, Path, Path]
) -> None:
    for name, data in voc_files().items():
        if 'v2' not in name:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(data)
    own = tmp_path / VOC / 'JPEGImages' / 'own.jpg'
    own.write_bytes(b'mine')
    before = (tmp_path / VOC / 'JPEGImages' / 'a1.jpg').stat().st_mtime_ns
    prepare(*archives[:2], tmp_path / 'VOCdevkit')
    assert own.read_bytes() == b'mine'
    assert (tmp_path / VOC / 'JPEGImages' / 'a1.jpg').stat().st_mtime_ns == before
    found, expected = contents(tmp_path / VOC), contents(made)
    for name in expected.keys() - {'voc12_aug.json'}:
        assert found[name] == expected[name]


@pytest.mark.parametrize(
    ('name', 'data', 'problem'),
    [
        ('JPEGImages/a1.jpg', b'cut', r'a1\.jpg has 3 bytes, in .*voc\.tar it has \d+; remove it'),
        ('SegmentationClassAug/s1.png', b'x', 'was not made by this tool from these archives'),
        ('ImageSets/Segmentation/train_aug.txt', b'a1\n', 'names other images than these'),
    ],
)
def test_other_files_in_place_are_left_alone(
    tmp_path: Path, archives: tuple[Path, Path, Path], name: str, data: bytes, problem: str
) -> None:
    path = tmp_path / 'VOC2012' / name
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    with pytest.raises(InputError, match=problem):
        prepare(*archives[:2], tmp_path)
    assert contents(tmp_path) == {f'VOC2012/{name}': data}


def test_data_set_of_another_archive(tmp_path: Path, archives: tuple[Path, Path, Path]) -> None:
    prepare(*archives[:2], tmp_path / 'out')
    before = contents(tmp_path / 'out')
    other = write_tar(tmp_path / 'other.tgz', sbd_files() | {'more': os.urandom(500)})
    with pytest.raises(InputError, match='made from another SBD archive .* choose another'):
        prepare(archives[0], other, tmp_path / 'out')
    assert contents(tmp_path / 'out') == before


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


def test_wrong_number_of_images(tmp_path: Path) -> None:
    message = failing(tmp_path, voc_files(), sbd_files(), expected=10582)
    assert 'train_aug would have 5 images, expected 10582' in message
    assert 'VOC train 2, VOC val 2, SBD train 3, SBD val 2' in message
    assert 'Check that' in message and 'voc.tar' in message and 'sbd.tgz' in message


def test_any_number_of_images(tmp_path: Path, archives: tuple[Path, Path, Path]) -> None:
    assert len(prepare(*archives[:2], tmp_path, expected=0)[0]) == 5


@pytest.mark.parametrize(
    ('archive', 'member', 'data', 'problem'),
    [
        (
            'sbd',
            f'{SBD}/cls/s2.mat',
            mat_bytes(mask_of('s2', 21)),
            r'sbd\.tgz, .*cls/s2\.mat: holds the value 21; masks of VOC hold 0\.\.20 and 255',
        ),
        (
            'sbd',
            f'{SBD}/cls/s3.mat',
            mat_bytes(mask_of('s1', 1)),
            r'cls/s3\.mat: is 8 x 3, its image s3\.jpg is 6 x 7',
        ),
        ('sbd', f'{SBD}/cls/s1.mat', b'no matlab', r's1\.mat is not a readable MATLAB file'),
        (
            'sbd',
            f'{SBD}/cls/s1.mat',
            mat_bytes(np.zeros((3, 8))),
            r's1\.mat: GTcls\.Segmentation is float64 of shape \(3, 8\)',
        ),
        (
            'voc',
            f'{VOC}/SegmentationClass/v1.png',
            png_bytes(mask_of('v1', 200)),
            r'SegmentationClass/v1\.png: holds the value 200',
        ),
        (
            'voc',
            f'{VOC}/SegmentationClass/a1.png',
            png_bytes(mask_of('a1', 1)[:3]),
            r'voc\.tar, .*a1\.png: is 6 x 3, its image a1\.jpg is 6 x 4',
        ),
        (
            'voc',
            f'{VOC}/SegmentationClass/a1.png',
            b'no picture',
            r'SegmentationClass/a1\.png: not a readable mask',
        ),
        (
            'voc',
            f'{VOC}/SegmentationClass/a1.png',
            jpg_bytes(*SIZES['a1']),
            r'SegmentationClass/a1\.png: not a readable mask .*RGB picture',
        ),
        ('voc', f'{VOC}/JPEGImages/a1.jpg', b'broken', r'a1\.jpg is not a readable image'),
        ('voc', f'{LISTS}/val.txt', b'\xff\xfe', r'val\.txt: not a text file'),
        ('voc', f'{LISTS}/train.txt', b'a1\nx1\n../a2\n', '2 of 8 ids of the lists have no image'),
    ],
)
def test_wrong_member(
    tmp_path: Path, archive: str, member: str, data: bytes, problem: str
) -> None:
    files = {'voc': voc_files(), 'sbd': sbd_files()}
    assert member in files[archive]
    files[archive][member] = data
    message = failing(tmp_path, **files, expected=0)
    assert re.search(problem, message), message


@pytest.mark.parametrize(
    ('archive', 'part', 'problem'),
    [
        ('voc', f'{VOC}/SegmentationClass/', 'holds no .*/SegmentationClass; expected'),
        ('voc', f'{VOC}/JPEGImages/', 'holds no .*/JPEGImages; expected'),
        ('voc', f'{VOC}/Annotations/', 'holds no .*Annotations; .*VOCtrainval_11-May'),
        ('voc', f'{LISTS}/', 'holds no .*/Segmentation; expected'),
        ('voc', f'{LISTS}/val.txt', r'holds no .*/val\.txt; .*VOCtrainval_11-May'),
        ('sbd', f'{SBD}/cls/', r'holds no .*/cls; expected .*benchmark\.tgz'),
        ('sbd', f'{SBD}/train.txt', r'holds no .*/train\.txt; expected .*benchmark\.tgz'),
        ('sbd', f'{SBD}/cls/s2.mat', r'1 of 7 ids of the lists have no masks in .*\n  s2'),
        ('voc', f'{VOC}/Annotations/v1', r'1 of 7 ids of the lists have no annotations .*\n  v1'),
        ('voc', f'{VOC}/JPEGImages/s', r'3 of 7 ids of the lists have no images in .*\n  s1\n'),
    ],
)
def test_missing_member(tmp_path: Path, archive: str, part: str, problem: str) -> None:
    files = {'voc': voc_files(), 'sbd': sbd_files()}
    files[archive] = {k: v for k, v in files[archive].items() if not k.startswith(part)}
    message = failing(tmp_path, **files)
    assert re.search(problem, message), message


def test_mask_of_sbd_where_voc_has_none(tmp_path: Path) -> None:
    voc = voc_files()
    del voc[f'{VOC}/SegmentationClass/a1.png']
    paths = write_tar(tmp_path / 'voc.tar', voc), write_tar(tmp_path / 'sbd.tgz', sbd_files())
    prepare(*paths, tmp_path)
    found = np.asarray(Image.open(tmp_path / 'VOC2012' / 'SegmentationClassAug' / 'a1.png'))
    np.testing.assert_array_equal(found, mask_of('a1', 9))


def test_members_that_lead_outside(tmp_path: Path) -> None:
    message = failing(tmp_path, voc_files(), sbd_files() | {'../../evil': b'x'})
    assert 'sbd.tgz: member' in message and "'../../evil'" in message
    assert contents(tmp_path).keys() == {'sbd.tgz', 'voc.tar'}


@pytest.mark.parametrize(
    'info',
    [
        special('data/../../x', tarfile.REGTYPE),
        special('data/link', tarfile.SYMTYPE, '/etc'),
        special('data/link', tarfile.SYMTYPE, '../../x'),
        special('data/link', tarfile.LNKTYPE, '../x'),
        special('data/tty', tarfile.CHRTYPE),
        special('data/disk', tarfile.BLKTYPE),
        special('data/pipe', tarfile.FIFOTYPE),
    ],
    ids=lambda info: f'{info.name} {info.linkname}',
)
def test_archive_with_an_unsafe_member_is_not_used(tmp_path: Path, info: tarfile.TarInfo) -> None:
    voc = write_tar(tmp_path / 'voc.tar', voc_files(), [info])
    sbd = write_tar(tmp_path / 'sbd.tgz', sbd_files())
    with pytest.raises(InputError, match='is not safe .*; nothing was used') as error:
        prepare(voc, sbd, tmp_path / 'out')
    assert str(error.value).startswith(f"{voc}: member '{info.name}'")
    assert contents(tmp_path).keys() == {'sbd.tgz', 'voc.tar'}


def test_odd_but_harmless_members(tmp_path: Path, made: Path) -> None:
    """Nothing is unpacked but what is used; './' and '//' in names mean nothing."""
    voc = {f'./{name.replace("/", "//")}': data for name, data in voc_files().items()}
    odd = [special(name, tarfile.REGTYPE) for name in ('/etc/passwd', 'a/../x', 'C:\\x', '..\\x')]
    links = [
        special(f'{VOC}/JPEGImages/link', tarfile.SYMTYPE, 'a1.jpg'),
        special(f'{VOC}/JPEGImages/hard', tarfile.LNKTYPE, f'{VOC}/JPEGImages/a1.jpg'),
    ]
    paths = (
        write_tar(tmp_path / 'voc.tar', voc, odd + links),
        write_tar(tmp_path / 'sbd.tgz', sbd_files()),
    )
    prepare(*paths, tmp_path / 'out')
    found, expected = contents(tmp_path / 'out' / 'VOC2012'), contents(made)
    del found['voc12_aug.json'], expected['voc12_aug.json']  # the archives differ
    assert found == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ['out', 'sbd.tgz', 'voc.tar']


def test_archive_without_end_mark_may_be_cut_off(tmp_path: Path) -> None:
    voc, sbd = write_archives(tmp_path)[:2]
    data = voc.read_bytes()
    voc.write_bytes(data[: data.index(f'{LISTS}/val.txt'.encode())])
    with pytest.raises(InputError, match='holds no .*Class; .* no end mark: it may be cut off'):
        prepare(voc, sbd, tmp_path / 'out')


def test_checksums_of_the_archives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, archives: tuple[Path, Path, Path]
) -> None:
    voc, sbd, _ = archives
    for name, path in (('VOC', voc), ('SBD', sbd)):
        digest = hashlib.md5(path.read_bytes()).hexdigest()
        with pytest.raises(InputError, match='is not .* as published, or is damaged') as error:
            prepare(voc, sbd, tmp_path, any_checksum=False)
        message = str(error.value)
        assert message.startswith(f'{path} is not {TOOL.CONTENTS[name]}')
        assert digest in message and TOOL.PUBLISHED_MD5[name] in message and ANY in message
        assert contents(tmp_path) == {}
        monkeypatch.setitem(TOOL.PUBLISHED_MD5, name, digest)
    assert prepare(voc, sbd, tmp_path, any_checksum=False) == (TRAIN_AUG, True)


@pytest.mark.parametrize('cut', [0, 1])
def test_cut_off_archive(tmp_path: Path, archives: tuple[Path, Path, Path], cut: int) -> None:
    paths = list(archives[:2])
    data = paths[cut].read_bytes()
    paths[cut] = tmp_path / paths[cut].name
    paths[cut].write_bytes(data[: len(data) // 2 + 100])  # not between two blocks of 512
    with pytest.raises(InputError, match=f'{paths[cut]} is not a tar .* cut off'):
        prepare(*paths, tmp_path / 'out')
    assert contents(tmp_path).keys() == {paths[cut].name}


def test_wrong_and_missing_archives(tmp_path: Path, archives: tuple[Path, Path, Path]) -> None:
    voc, sbd, test = archives
    with pytest.raises(InputError, match=r'benchmark\.tgz holds no .*VOCtrainval'):
        prepare(sbd, voc, tmp_path)
    with pytest.raises(InputError, match=r'holds no .*test\.txt; expected .*VOC2012test'):
        prepare(voc, sbd, tmp_path, test=voc)
    with pytest.raises(MissingFileError, match=r'no\.tgz: no such archive; expected .*benchmark'):
        prepare(voc, tmp_path / 'no.tgz', tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_sbd_mask_values(tmp_path: Path) -> None:
    mask = np.array([[0, 20], [255, 3]], np.uint8)
    (tmp_path / 'x.mat').write_bytes(mat_bytes(mask))
    np.testing.assert_array_equal(TOOL.read_sbd_mask(tmp_path / 'x.mat', 'x'), mask)


def test_made_kept_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    voc, sbd, test = map(str, write_archives(tmp_path))
    out, saliency = tmp_path / 'out', tmp_path / 'saliency'
    arguments = [voc, sbd, '--test-tar', test, '--out', str(out), '--expected', '5', ANY]
    TOOL.main(arguments)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        '  checksums: 3/3  left 0:00:00',
        '  voc.tar: 23/23  left 0:00:00',
        '  benchmark.tgz: 7/7  left 0:00:00',
        '  test.tar: 2/2  left 0:00:00',
        '  masks: 7/7  left 0:00:00',
        f'{out}/VOC2012: written; 5 images in train_aug',
    ]
    before = contents(out)
    saliency.mkdir()
    with pytest.raises(
        SystemExit, match='error: .*saliency, saliency maps: 5 of 5 files are missing'
    ):
        TOOL.main([*arguments, '--saliency', str(saliency)])
    for name in TRAIN_AUG:
        Image.new('L', SIZES[name][::-1]).save(saliency / f'{name}.png')
    capsys.readouterr()
    TOOL.main([*arguments, '--saliency', str(saliency)])
    assert capsys.readouterr().out.splitlines() == [
        '  checksums: 3/3  left 0:00:00',
        f'{out}/VOC2012: complete already, kept; 5 images in train_aug',
        f'{saliency}: 5 saliency maps, all of the right size',
    ]
    assert contents(out) == before


def test_wrong_number_of_images_by_default(tmp_path: Path) -> None:
    voc, sbd, _ = map(str, write_archives(tmp_path))
    with pytest.raises(SystemExit, match='^error: train_aug would have 5 images, expected 10582'):
        TOOL.main([voc, sbd, '--out', str(tmp_path / 'out'), ANY])
    assert list((tmp_path / 'out').iterdir()) == []


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
