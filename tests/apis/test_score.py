"""Scores of files of any method, against plain restatements of their definitions."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.apis.score import ScoredFolder, detect_kind, score_fused, score_labels, score_maps
from mmdrs.errors import InputError, MissingFileError
from mmdrs.evaluation.records.record import Evaluation
from mmdrs.pseudo_labels.fusion import BackgroundCue
from mmdrs.pseudo_labels.label_file import write_label
from mmdrs.pseudo_labels.map_file import LocalizationMaps, write_maps
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.segments import SegmentMerging

CLASSES = ('background', 'cat', 'dog', 'sheep')
SIZE = (6, 8)
IDS = ('a', 'b_1', 'b_2')
#: Foreground classes of each image, from 0.
PRESENT = {'a': (0,), 'b_1': (1, 2), 'b_2': (0, 2)}


@pytest.fixture
def data(tmp_path: Path) -> dict[str, dict[str, np.ndarray]]:
    """Masks, saliency maps, labels with ignored pixels, and maps of levels, also as files."""
    random = np.random.default_rng(0)
    found = {name: {} for name in ('masks', 'saliency', 'labels', 'levels')}
    for name in IDS:
        values = np.array([0, 255, *(index + 1 for index in PRESENT[name])], np.uint8)
        found['masks'][name] = random.choice(values, SIZE)
        found['labels'][name] = random.choice(values, SIZE)
        found['saliency'][name] = random.integers(0, 256, SIZE, np.uint8)
        levels = random.integers(0, 256, (len(PRESENT[name]), *SIZE), np.uint8)
        found['levels'][name] = levels
    for folder in ('masks', 'saliency', 'labels'):
        (tmp_path / folder).mkdir()
        for name, pixels in found[folder].items():
            Image.fromarray(pixels).save(tmp_path / folder / f'{name}.png')
    return found


def folder_of(tmp_path: Path, name: str, **changes: object) -> ScoredFolder:
    fields = dict(
        folder=tmp_path / name,
        kind=detect_kind(tmp_path / name, IDS),
        ids=IDS,
        masks=tmp_path / 'masks',
        classes=CLASSES,
        dataset='animals',
        split='val',
        name='method',
    )
    return ScoredFolder(**{**fields, **changes})


def write_stored(folder: Path, kind: str, levels: dict[str, np.ndarray]) -> None:
    """The same maps in each format."""
    folder.mkdir()
    for name, maps in levels.items():
        if kind == 'maps':
            write_maps(folder / f'{name}.npz', LocalizationMaps(PRESENT[name], maps, SIZE))
        elif kind == 'npy':
            content = {'keys': np.array(PRESENT[name]), 'high_res': maps.astype('f4') / 255}
            np.save(folder / f'{name}.npy', content)
        else:
            for index, pixels in zip(PRESENT[name], maps, strict=True):
                Image.fromarray(pixels).save(folder / f'{name}_{CLASSES[index + 1]}.png')


def miou(predicted: dict, actual: dict, ignored_count: bool) -> float:
    """Mean IoU in percent; predicted 255 are misses, or left out."""
    ious = []
    label = np.stack([predicted[name] for name in IDS])
    truth = np.stack([actual[name] for name in IDS])
    scored = truth != 255
    if not ignored_count:
        scored &= label != 255
    for index in range(len(CLASSES)):
        own, true = (label == index)[scored], (truth == index)[scored]
        ious.append((own & true).sum() / (own | true).sum())
    return 100 * float(np.mean(ious))


def values(evaluation: Evaluation) -> dict[str, float]:
    return {score.metric: score.value for score in evaluation.scores}


def test_labels(data: dict, tmp_path: Path) -> None:
    found = score_labels(folder_of(tmp_path, 'labels'))
    labels = np.stack([*data['labels'].values()])
    masks = np.stack([*data['masks'].values()])
    assert values(found) == {
        'mIoU_written': round(miou(data['labels'], data['masks'], True), 2),
        'mIoU_kept': round(miou(data['labels'], data['masks'], False), 2),
        'kept': round(100 * (labels != 255)[masks != 255].mean(), 2),
    }
    policies = {score.metric: score.protocol.ignored for score in found.scores}
    assert policies == dict(mIoU_written='count as misses', mIoU_kept='left out', kept='left out')
    assert (found.task, found.images, found.model) == ('pseudo', 3, 'method')


def test_predictions_of_a_network(data: dict, tmp_path: Path) -> None:
    found = score_labels(folder_of(tmp_path, 'labels'), task='seg')
    assert values(found) == {'mIoU': round(miou(data['labels'], data['masks'], True), 2)}


def test_labels_without_ignored_pixels(data: dict, tmp_path: Path) -> None:
    for name, label in data['labels'].items():
        Image.fromarray(np.where(label == 255, 0, label).astype('u1')).save(
            tmp_path / 'labels' / f'{name}.png'
        )
    found = values(score_labels(folder_of(tmp_path, 'labels')))
    assert found['mIoU'] == found['mIoU_written'] == found['mIoU_kept']
    assert found['kept'] == 100


def thresholded(levels: dict, threshold: float) -> dict[str, np.ndarray]:
    """Foreground where the largest map reaches a threshold."""
    labels = {}
    for name, maps in levels.items():
        classes = np.array(PRESENT[name]) + 1
        above = maps.max(axis=0) / np.float32(255) >= threshold
        labels[name] = np.where(above, classes[maps.argmax(axis=0)], 0)
    return labels


@pytest.mark.parametrize('kind', ['maps', 'npy', 'class-pngs'])
def test_maps_of_each_kind(data: dict, tmp_path: Path, kind: str) -> None:
    write_stored(tmp_path / 'maps', kind, data['levels'])
    scored = folder_of(tmp_path, 'maps')
    assert scored.kind == kind
    evaluation, found = score_maps(scored, threshold=0.4)
    masks = data['masks']
    assert found.fixed == pytest.approx(miou(thresholded(data['levels'], 0.4), masks, True))
    best = thresholded(data['levels'], found.swept_threshold - 1e-6)
    assert found.swept == pytest.approx(miou(best, masks, True)) == found.curve.max()
    fixed, swept, *_ = evaluation.scores
    assert fixed.protocol.threshold == 'fixed 0.4'
    assert swept.protocol.threshold == 'swept on ground truth'
    assert swept.per_class.keys() == set(CLASSES)


def bed_labels(data: dict, threshold: float, saliency: int) -> dict[str, np.ndarray]:
    """WSSS-BED: weak values are 0, background 1 where nothing is salient, the largest wins."""
    labels = {}
    for name, levels in data['levels'].items():
        maps = levels.astype('f4') / 255
        maps[maps < threshold] = 0
        background = 1 - (data['saliency'][name] > saliency)
        channels = np.stack([background, *maps])
        labels[name] = np.array([0, *(i + 1 for i in PRESENT[name])])[channels.argmax(axis=0)]
    return labels


def test_labels_that_maps_give_with_saliency(data: dict, tmp_path: Path) -> None:
    write_stored(tmp_path / 'maps', 'npy', data['levels'])
    scored = folder_of(tmp_path, 'maps', saliency=tmp_path / 'saliency')
    cue = BackgroundCue(threshold=51, source='DSS')
    evaluation, counts = score_fused(scored, LabelRules(cue, threshold=0.5), [0.1, 0.3, 0.7])
    expected = {
        t: miou(bed_labels(data, t, 51), data['masks'], True) for t in (0.1, 0.3, 0.5, 0.7)
    }
    found = {threshold: count.evaluated.miou() for threshold, count in counts.items()}
    assert found == pytest.approx(expected)
    scores = {score.metric: score for score in evaluation.scores}
    assert scores['mIoU'].value == round(expected[0.5], 2)
    assert scores['mIoU_swept'].value == round(max(expected.values()), 2)
    assert scores['mIoU'].protocol.background == 'saliency > 51 (DSS)'
    assert scores['mIoU_swept'].protocol.threshold == 'swept on ground truth'


def test_processes_give_the_same(data: dict, tmp_path: Path) -> None:
    one, two = (score_labels(folder_of(tmp_path, 'labels', workers=n)) for n in (0, 2))
    assert values(one) == values(two)


def test_missing_files_are_counted(data: dict, tmp_path: Path) -> None:
    (tmp_path / 'labels' / 'b_1.png').unlink()
    with pytest.raises(MissingFileError, match=r'labels: 1 of 3 files .* b_1\.png; .* --list'):
        score_labels(folder_of(tmp_path, 'labels'))
    (tmp_path / 'saliency' / 'a.png').unlink()
    write_stored(tmp_path / 'maps', 'class-pngs', {'a': data['levels']['a']})
    with pytest.raises(MissingFileError, match=r'maps: 2 of 3 .* b_1_<class>\.png'):
        score_maps(folder_of(tmp_path, 'maps'))


def test_mask_of_another_size(data: dict, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((6, 9), np.uint8)).save(tmp_path / 'labels' / 'a.png')
    with pytest.raises(InputError, match=r'labels/a\.png: the ground truth is 8 x 6, .* 9 x 6'):
        score_labels(folder_of(tmp_path, 'labels'))


def test_kinds_are_not_guessed_wrongly(data: dict, tmp_path: Path) -> None:
    """`b_1.png` is a label, although it could be the map of a class of an image `b`."""
    assert detect_kind(tmp_path / 'labels', IDS) == 'labels'
    (tmp_path / 'labels' / 'a.npy').touch()
    with pytest.raises(InputError, match='labels and npy; say which to score with --kind'):
        detect_kind(tmp_path / 'labels', IDS)
    (tmp_path / 'none').mkdir()
    with pytest.raises(InputError, match=r'none holds no file .* a\.png'):
        detect_kind(tmp_path / 'none', IDS)


def test_labels_with_merged_masks_are_another_protocol(data: dict, tmp_path: Path) -> None:
    """By their record; the source is in no label."""
    folder = folder_of(tmp_path, 'labels')
    words = 'masks (source not given), > 0.6 of a mask or >= 0.85 of a class'
    merge = SegmentMerging(0.6, source='SAM').deciding()
    for record, expected in (
        (None, ''),
        (dict(rules=LabelRules().deciding()), ''),
        (dict(rules=LabelRules(merge=SegmentMerging(0.6)).deciding()), words),
        (dict(label='digest', merge=merge), words),
    ):
        for name, label in data['labels'].items():
            write_label(tmp_path / 'labels' / f'{name}.png', label, [[0, 0, 0]], record)
        scores = score_labels(folder).scores
        assert {score.protocol.merging for score in scores} == {expected}
        assert score_labels(folder, 'seg').scores[0].protocol.merging == ''
