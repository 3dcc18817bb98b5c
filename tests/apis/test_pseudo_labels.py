"""Pseudo labels of stored maps: in order, going on where they stopped."""

import errno
import os
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmdrs.apis import label_dataset, make_pseudo_labels, pseudo_labels
from mmdrs.engine import Progress
from mmdrs.errors import InputError
from mmdrs.evaluation.functional.scores import FusedCounts
from mmdrs.pseudo_labels.crf import DenseCRF
from mmdrs.pseudo_labels.fusion import BackgroundCue
from mmdrs.pseudo_labels.label_file import read_label, read_label_record, write_label
from mmdrs.pseudo_labels.map_file import LocalizationMaps, write_maps
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.segments import SegmentMerging

PALETTE = [[0, 0, 0], [1, 1, 1], [2, 2, 2]]
RULES = LabelRules(BackgroundCue('constant'))
COUNT = 11  # more than a chunk


@pytest.fixture
def images(tmp_path: Path) -> list[dict]:
    """Images 8 x 12 with ground truth; image n shows class n % 2 in its n + 1 first columns."""
    infos = []
    for number in range(COUNT):
        name, label = f'img_{number}', number % 2
        maps = np.zeros((1, 8, 12), np.float32)
        maps[..., : number + 1] = 0.8
        write_maps(
            tmp_path / 'maps' / f'{name}.npz',
            LocalizationMaps.from_floats((label,), maps, (8, 12)),
        )
        write_label(
            tmp_path / 'masks' / f'{name}.png', np.where(maps[0] > 0, label + 1, 0), PALETTE
        )
        Image.fromarray(np.uint8(200 * maps[0])).convert('RGB').save(tmp_path / f'{name}.png')
        infos.append(
            dict(
                img_id=name,
                img_path=str(tmp_path / f'{name}.png'),
                seg_map_path=str(tmp_path / 'masks' / f'{name}.png'),
            )
        )
    return infos


def without_masks(images: list[dict]) -> list[dict]:
    return [dict(image, seg_map_path=None) for image in images]


def make(
    images: list[dict], folder: Path, rules: LabelRules = RULES, **more
) -> list[FusedCounts | None]:
    return list(
        make_pseudo_labels(images, folder / 'maps', folder / 'labels', rules, PALETTE, 3, **more)
    )


@pytest.mark.parametrize('workers', [0, 2])
def test_counts_come_in_order(images: list[dict], tmp_path: Path, workers: int) -> None:
    counts = make(images, tmp_path, workers=workers)
    assert len(counts) == COUNT
    for number, count in enumerate(counts):
        evaluated, written = count.evaluated, count.written
        expected = [8 * (11 - number), 0, 0]
        expected[number % 2 + 1] = 8 * (number + 1)
        for count in (evaluated, written):
            assert count.intersection.tolist() == count.actual.tolist() == expected
        label = read_label(tmp_path / 'labels' / f'img_{number}.png')
        assert np.bincount(label.ravel(), minlength=3).tolist() == expected


@pytest.mark.parametrize('workers', [0, 2])
def test_finished_labels_are_not_made_again(images, tmp_path: Path, workers: int) -> None:
    """Their maps may be gone; the others are made, each in its place."""
    images = without_masks(images)
    make(images, tmp_path)
    finished = {0, 1, 4}
    before = {}
    for number, image in enumerate(images):
        path = tmp_path / 'labels' / f'{image["img_id"]}.png'
        if number in finished:
            (tmp_path / 'maps' / f'{image["img_id"]}.npz').unlink()
            before[number] = path.stat().st_mtime_ns
        else:
            path.unlink()
    assert make(images, tmp_path, workers=workers) == [None] * COUNT
    for number, image in enumerate(images):
        path = tmp_path / 'labels' / f'{image["img_id"]}.png'
        assert (read_label(path) > 0).sum() == 8 * (number + 1)
        assert before.get(number, path.stat().st_mtime_ns) == path.stat().st_mtime_ns
    assert make(images, tmp_path, workers=workers) == [None] * COUNT  # nothing left to do


@pytest.mark.parametrize('with_masks', [True, False])
def test_masks_are_not_overwritten(images, tmp_path: Path, with_masks: bool) -> None:
    """The folder of the ground truth as output scored the labels against themselves: 100."""
    images = images if with_masks else without_masks(images)
    masks = tmp_path / 'masks'
    before = {path.name: path.read_bytes() for path in masks.iterdir()}
    reason = 'is an input' if with_masks else 'was not written by mmdrs'
    with pytest.raises(InputError, match=rf'masks/img_0\.png .*{reason}'):
        list(make_pseudo_labels(images, tmp_path / 'maps', masks, RULES, PALETTE, 3))
    assert {path.name: path.read_bytes() for path in masks.iterdir()} == before


def label_paths(folder: Path) -> list[Path]:
    return [folder / 'labels' / f'img_{number}.png' for number in range(COUNT)]


def made_anew(images: list[dict], folder: Path, rules: LabelRules = RULES) -> list[int]:
    """Make the labels; returns the numbers of those that were written."""
    before = [path.stat().st_mtime_ns for path in label_paths(folder)]
    make(images, folder, rules)
    after = [path.stat().st_mtime_ns for path in label_paths(folder)]
    return [number for number in range(COUNT) if before[number] != after[number]]


@pytest.mark.parametrize('scored', [True, False])
def test_labels_of_other_rules_or_maps_are_made_again(images, tmp_path: Path, scored) -> None:
    """One by one: what another run of the same rules made of the same maps stays."""
    images = images if scored else without_masks(images)
    make(images, tmp_path)
    labels, maps = label_paths(tmp_path), tmp_path / 'maps'
    record = dict(format=2, weights='new', labels=[0])
    stored = LocalizationMaps.from_floats((0,), np.ones((1, 8, 12)), (8, 12), record)
    write_maps(maps / 'img_2.npz', stored)
    os.utime(maps / 'img_2.npz', (0, 0))  # as old as can be: it is not the time that counts
    write_label(labels[5], np.zeros((8, 12)), PALETTE, dict(rules='others'))
    # Maps without a record are told apart by their content.
    stored = LocalizationMaps.from_floats((0,), np.full((1, 8, 12), 0.9), (8, 12))
    write_maps(maps / 'img_8.npz', stored)
    os.utime(maps / 'img_7.npz')  # newer, but the same
    assert made_anew(images, tmp_path) == [2, 5, 8]
    assert (read_label(labels[2]) == 1).all() and (read_label(labels[5]) == 2).sum() == 8 * 6
    assert read_label_record(labels[2]) == dict(maps=record, rules=RULES.deciding(), saliency=None)
    # Newer maps of the same content but another network: what is scored is what is on disk.
    write_maps(maps / 'img_2.npz', replace(stored, record=dict(record, weights='newer')))
    assert made_anew(images, tmp_path) == [2]
    # The maps' 0.8 is below the new threshold.
    other = LabelRules(BackgroundCue('constant'), threshold=0.85)
    assert made_anew(images, tmp_path, other) == list(range(COUNT))
    assert [int(read_label(path).max()) for path in labels] == [0, 0, 1, *[0] * 5, 1, 0, 0]


@pytest.mark.parametrize('scored', [True, False])
def test_another_saliency_map_makes_a_label_again(images, tmp_path: Path, scored) -> None:
    images = [
        dict(image, saliency_path=str(tmp_path / f'salient_{number}.png'))
        for number, image in enumerate(images if scored else without_masks(images))
    ]
    for image in images:
        Image.new('L', (12, 8), 51).save(image['saliency_path'])
    rules = LabelRules()
    first = make(images, tmp_path, rules)
    assert made_anew(images, tmp_path, rules) == []
    changed = Path(images[4]['saliency_path'])
    before = changed.stat()
    Image.new('L', (12, 8), 50).save(changed)  # not salient; of the same size, and as old
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert made_anew(images, tmp_path, rules) == [4]
    assert read_label(label_paths(tmp_path)[4]).max() == 0
    again = make(images, tmp_path, rules)
    different = [n for n in range(COUNT) if repr(first[n]) != repr(again[n])]
    assert different == ([4] if scored else [])
    # A cue without saliency maps does not depend on them.
    make(images, tmp_path)
    changed.unlink()
    assert made_anew(images, tmp_path) == []


@pytest.mark.processes
@pytest.mark.parametrize('workers', [0, 1])
def test_masks_are_merged_into_labels(images, tmp_path: Path, workers: int) -> None:
    """A mask of the upper half; the class fills it where it has more than half of it."""
    mask = Image.new('L', (12, 8))
    mask.paste(255, (0, 0, 12, 4))
    for image in images:
        image['segments_path'] = str(tmp_path / 'segments' / image['img_id'])
        Path(image['segments_path']).mkdir(parents=True)
        mask.save(Path(image['segments_path']) / '0.png')
    rules = replace(RULES, merge=SegmentMerging())
    counts = make(images, tmp_path, rules, workers=workers)
    for number, (path, count) in enumerate(zip(label_paths(tmp_path), counts, strict=True)):
        columns, label = number + 1, np.zeros((8, 12), int)
        label[4:, :columns] = number % 2 + 1
        if columns > 6:
            label[:4] = number % 2 + 1
        np.testing.assert_array_equal(read_label(path), label)
        assert count.evaluated.predicted[number % 2 + 1] == (label > 0).sum()
    assert made_anew(images, tmp_path, rules) == []
    mask.paste(255, (0, 0, 12, 5))
    mask.save(tmp_path / 'segments' / 'img_9' / '0.png')
    (tmp_path / 'segments' / 'img_3' / '1.png').write_bytes(
        (tmp_path / 'segments' / 'img_3' / '0.png').read_bytes()
    )
    assert made_anew(images, tmp_path, rules) == [3, 9]
    # Without `merge` the labels do not depend on masks.
    plain = make(images, tmp_path)
    assert [count.evaluated.predicted.tolist() for count in plain] != [
        count.evaluated.predicted.tolist() for count in counts
    ]
    (tmp_path / 'segments' / 'img_3' / '1.png').unlink()
    assert made_anew(images, tmp_path) == []


def test_only_maps_that_are_needed_are_missing(images: list[dict], tmp_path: Path) -> None:
    """A label without its map: finished, unless it is to be scored and has not been."""
    make(without_masks(images), tmp_path)
    for name in ('img_2', 'img_5'):
        (tmp_path / 'maps' / f'{name}.npz').unlink()
    with pytest.raises(FileNotFoundError, match=r'2 of 11 .* the first is .*img_2\.npz'):
        make(images, tmp_path)
    make(without_masks(images), tmp_path)
    other = LabelRules(BackgroundCue('constant'), threshold=0.5)
    with pytest.raises(FileNotFoundError, match=r'2 of 11 .* the first is .*img_2\.npz'):
        make(without_masks(images), tmp_path, other)


@pytest.mark.parametrize('with_crf', [False, True])
def test_scored_labels_are_kept(images: list[dict], tmp_path: Path, monkeypatch, with_crf) -> None:
    """Each is made once; the scores of a second run are those of the first."""
    if with_crf:
        pytest.importorskip('pydensecrf')
    calls = []
    fuse = LabelRules.fuse

    def counting(self, *arguments) -> tuple:
        calls.append(arguments)
        return fuse(self, *arguments)

    monkeypatch.setattr(LabelRules, 'fuse', counting)
    # The maps exceed 0.5 where the background score 0.6 does: all ignored, in `written` alone.
    rules = LabelRules(
        BackgroundCue('constant', value=0.6),
        confident=0.5,
        max_confident=1,
        crf=DenseCRF() if with_crf else None,
    )
    first = make(images, tmp_path, rules)
    assert len(calls) == COUNT
    assert all(c.written.predicted.sum() < c.evaluated.predicted.sum() for c in first)
    (tmp_path / 'labels' / 'img_3.png').unlink()
    again = make(images, tmp_path, rules)
    assert len(calls) == COUNT + 1
    for old, new in zip(first, again, strict=True):
        np.testing.assert_equal(asdict(old), asdict(new))
    names = [f'img_{number}.png' for number in range(COUNT)]
    for folder in (tmp_path / 'labels', tmp_path / 'labels' / '.evaluated'):
        assert {path.name for path in folder.glob('*.png')} == set(names)


def test_nothing_is_kept_without_need(images: list[dict], tmp_path: Path) -> None:
    """No mask: the folder holds labels only. No folder: nothing is written."""
    make(without_masks(images), tmp_path)
    assert len(list((tmp_path / 'labels').iterdir())) == COUNT
    before = set(tmp_path.rglob('*'))
    counts = list(make_pseudo_labels(images, tmp_path / 'maps', None, RULES, PALETTE, 3))
    assert set(tmp_path.rglob('*')) == before and None not in counts


class Told(Progress):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.steps = []
        super().__init__('labels')

    def start(self, done: int) -> None:
        self.began_with = done

    def step(self, done: int, total: int, detail: str = '') -> None:
        self.steps.append((done, total))


def test_time_left_is_that_of_the_labels_left(images: list[dict], tmp_path: Path) -> None:
    images = without_masks(images)
    make(images, tmp_path)
    for name in ('img_0', 'img_4', 'img_6'):
        (tmp_path / 'labels' / f'{name}.png').unlink()
    told = Told()
    make(images, tmp_path, progress=told)
    assert told.began_with == 8
    assert told.steps == [(9, 11), (10, 11), (11, 11)]


@pytest.mark.parametrize('workers', [0, 1])
def test_errors_of_files_keep_their_type_and_words(images, tmp_path: Path, workers: int) -> None:
    """From another process too."""
    damaged = tmp_path / 'maps' / 'img_1.npz'
    damaged.write_bytes(b'no maps')
    with pytest.raises(InputError) as error:
        make(images, tmp_path, workers=workers)
    assert str(error.value).startswith(f'{damaged} is damaged') and '\n' not in str(error.value)
    (tmp_path / 'blocked').mkdir()
    (tmp_path / 'blocked' / 'labels').write_text('a file where the folder should be')
    with pytest.raises(OSError) as error:
        list(
            make_pseudo_labels(
                *(images, tmp_path / 'maps', tmp_path / 'blocked' / 'labels' / 'x'),
                *(RULES, PALETTE, 3, workers),
            )
        )
    assert error.value.errno == errno.ENOTDIR


@pytest.mark.parametrize('scored', [True, False])
def test_labels_of_background_alone_are_told(
    scored: bool, images, tmp_path: Path, monkeypatch, capsys
) -> None:
    """A cue above all maps; and by another, one label with a pixel of a class is enough."""
    infos = images if scored else without_masks(images)
    metainfo = dict(classes=('background', 'a', 'b'), palette=PALETTE)
    monkeypatch.setattr(pseudo_labels, 'DATASETS', Built(infos, metainfo))
    monkeypatch.setattr(pseudo_labels, 'label_evaluation', lambda *arguments: None)
    monkeypatch.setattr(pseudo_labels, 'record_path', lambda *arguments: None)
    monkeypatch.setattr(pseudo_labels, 'write_evaluation', lambda *arguments: None)
    cfg = Config(dict(test_dataloader=dict(dataset={}), work_dir=str(tmp_path)))

    def warned(value: float) -> bool:
        rules = LabelRules(BackgroundCue('constant', value=value))
        label_dataset(cfg, tmp_path / 'maps', tmp_path / f'labels_{value}', rules)
        return 'all pixels of all labels are background' in capsys.readouterr().out

    assert warned(0.95)
    assert not warned(0.3)


class Built(list):
    """Stands for the registry of data sets, and for the data set that it builds."""

    def __init__(self, infos: list[dict], metainfo: dict) -> None:
        super().__init__(infos)
        self.metainfo = metainfo

    def build(self, config: dict) -> 'Built':
        return self

    def get_data_info(self, index: int) -> dict:
        return self[index]
