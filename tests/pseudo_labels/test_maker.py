"""The one maker of pseudo labels: what it writes, and what counts as finished."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.errors import InputError
from mmdrs.files import digest, file_digest
from mmdrs.pseudo_labels.fusion import BackgroundCue
from mmdrs.pseudo_labels.label_file import read_label, read_label_record
from mmdrs.pseudo_labels.maker import ImageFiles, LabelMaker
from mmdrs.pseudo_labels.map_file import LocalizationMaps
from mmdrs.pseudo_labels.par import PAR
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.segments import SegmentMerging

PALETTE = [[0, 0, 0], [1, 1, 1], [2, 2, 2]]
MAPS = LocalizationMaps.from_floats((1,), np.array([[[0.0, 0.8, 0.8, 0.0]]]), (1, 4))
SALIENCY = np.array([[0, 0, 51, 255]], np.uint8)
#: Salient without a class is ignored in what is written.
WRITTEN, EVALUATED = [[0, 0, 2, 255]], [[0, 0, 2, 0]]
RECORD = dict(format=2, weights='a', labels=[1])


@pytest.fixture
def image(tmp_path: Path) -> ImageFiles:
    Image.fromarray(SALIENCY).save(tmp_path / 's.png')
    return ImageFiles('folder/a', 'a.jpg', str(tmp_path / 's.png'), scored=True)


@pytest.fixture
def maker(tmp_path: Path) -> LabelMaker:
    return LabelMaker(LabelRules(), PALETTE, tmp_path / 'labels')


def test_label_and_what_is_scored(image: ImageFiles, maker: LabelMaker, tmp_path: Path) -> None:
    assert not maker.finished(image, RECORD) and not maker.finished(image, None)
    written, evaluated = maker.make(image, MAPS, RECORD)
    assert (written.tolist(), evaluated.tolist()) == (WRITTEN, EVALUATED)
    paths = [tmp_path / 'labels' / name / 'folder' / 'a.png' for name in ('', '.evaluated')]
    assert [read_label(path).tolist() for path in paths] == [WRITTEN, EVALUATED]
    assert [label.tolist() for label in maker.read(image)] == [WRITTEN, EVALUATED]
    expected = dict(
        maps=RECORD, rules=LabelRules().deciding(), saliency=file_digest(tmp_path / 's.png')
    )
    assert [read_label_record(path) for path in paths] == [expected, expected]


def test_refined_labels_are_finished(image: ImageFiles, maker: LabelMaker, tmp_path: Path) -> None:
    """Records are JSON, which has no tuples."""
    height, width = MAPS.original_size
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(tmp_path / 'a.png')
    image = image._replace(img_path=str(tmp_path / 'a.png'))
    refining = LabelMaker(LabelRules(refine=PAR((1, 2), 3)), PALETTE, maker.out_dir)
    refining.make(image, MAPS, RECORD)
    assert refining.finished(image, RECORD) and not maker.finished(image, RECORD)


def test_finished_is_what_is_made_of_the_same(image, maker, tmp_path: Path) -> None:
    maker.make(image, MAPS, RECORD)
    assert maker.finished(image, dict(RECORD)) and maker.finished(image, None)
    for change in (dict(weights='b'), dict(labels=[0]), dict(format=3), dict(size=[2, 2])):
        assert not maker.finished(image, dict(RECORD, **change))
    others = LabelRules(threshold=0.3), LabelRules(BackgroundCue(threshold=40))
    for rules in others:
        assert not LabelMaker(rules, PALETTE, maker.out_dir).finished(image, RECORD)
    named = LabelRules(BackgroundCue(source='CSNet'))  # a text, which makes no other label
    assert LabelMaker(named, PALETTE, maker.out_dir).finished(image, RECORD)
    assert not LabelMaker(maker.rules, PALETTE, None).finished(image, RECORD)
    (tmp_path / 'labels' / '.evaluated' / 'folder' / 'a.png').unlink()
    assert not maker.finished(image, RECORD)
    assert maker.finished(image._replace(scored=False), RECORD)
    label = tmp_path / 'labels' / 'folder' / 'a.png'
    before = label.stat().st_mtime_ns
    maker.make(image, MAPS, RECORD)  # the missing file alone is written
    assert label.stat().st_mtime_ns == before and maker.finished(image, RECORD)
    Image.fromarray(SALIENCY + 1).save(tmp_path / 's.png')
    assert not maker.finished(image, RECORD) and not maker.finished(image, None)


def test_label_of_unknown_maps_is_written_always(image, maker, tmp_path: Path) -> None:
    maker.make(image, MAPS, None)
    path = tmp_path / 'labels' / 'folder' / 'a.png'
    before = path.stat().st_mtime_ns
    maker.make(image, MAPS, None)
    assert path.stat().st_mtime_ns != before and not maker.finished(image, RECORD)


def test_saliency_map_that_is_loaded_already(image, maker) -> None:
    """As one that was resized with the image: it counts, not the file."""
    loaded = image._replace(saliency=np.full((1, 4), 255, np.uint8))
    assert maker.make(loaded, MAPS, RECORD)[0].tolist() == [[255, 2, 2, 255]]
    assert maker.finished(loaded, RECORD) and not maker.finished(image, RECORD)
    assert maker.record(loaded, RECORD)['saliency'] == digest([[255] * 4])


def test_masks_that_are_merged_belong_to_a_label(image, maker, tmp_path: Path) -> None:
    """One mask of all but the first pixel: class 2 takes it in both labels."""
    path = tmp_path / 'a.json'
    path.write_text('[{"segmentation": {"size": [1, 4], "counts": [1, 3]}}]')
    merging = LabelMaker(LabelRules(merge=SegmentMerging()), PALETTE, maker.out_dir)
    with pytest.raises(InputError, match=r'no masks to merge into the label of a\.jpg: set segm'):
        merging.make(image, MAPS, RECORD)
    merged = image._replace(segments=str(path))
    assert maker.record(merged, RECORD) == maker.record(image, RECORD)
    maker.make(merged, MAPS, RECORD)
    assert not merging.finished(merged, RECORD)
    labels = merging.make(merged, MAPS, RECORD)
    assert [label.tolist() for label in labels] == [[[0, 2, 2, 2]]] * 2
    label = tmp_path / 'labels' / 'folder' / 'a.png'
    assert read_label_record(label)['segments'] == file_digest(path)
    assert merging.finished(merged, RECORD) and not maker.finished(merged, RECORD)
    path.write_text('[{"segmentation": {"size": [1, 4], "counts": [0, 4]}}]')
    assert not merging.finished(merged, RECORD) and not merging.finished(merged, None)
    assert merging.make(merged, MAPS, RECORD)[0].tolist() == [[2, 2, 2, 2]]


def test_what_is_missing_is_named(image, maker) -> None:
    with pytest.raises(InputError, match=r'no saliency map of a\.jpg: set data_prefix'):
        maker.make(image._replace(saliency=None), MAPS, RECORD)
    gone = image._replace(saliency='gone.png')
    with pytest.raises(FileNotFoundError, match=r'no saliency map gone\.png'):
        maker.make(gone, MAPS, RECORD)
    constant = LabelMaker(LabelRules(BackgroundCue('constant')), PALETTE, maker.out_dir)
    constant.make(gone, MAPS, RECORD)  # needs none
    assert constant.finished(image, RECORD)
