"""Pseudo labels: the released code's labels, and the cases of the reference."""

import numpy as np
import pytest

from mmdrs.localization.fusion import BackgroundCue, fuse_maps
from tests import golden

SALIENCY = BackgroundCue('saliency', threshold=50)


@pytest.mark.parametrize('case', range(4))
def test_released_labels(case: int) -> None:
    data = golden.load('pseudo_label')
    written, evaluated = fuse_maps(
        data[f'{case}_maps'], tuple(data[f'{case}_labels']), SALIENCY, data[f'{case}_saliency']
    )
    np.testing.assert_array_equal(written, data[f'{case}_label_png'])
    np.testing.assert_array_equal(evaluated, data[f'{case}_label_eval'])


@pytest.mark.parametrize(
    ('salient', 'first', 'second', 'written', 'evaluated'),
    [
        (True, 0.95, 0.93, 4, 4),
        (False, 0.95, 0.93, 255, 0),
        (True, 0.19, 0.0, 255, 0),
        (False, 0.95, 0.0, 0, 0),
        (False, 1.02, 0.0, 4, 4),
        (True, 0.2, 0.0, 4, 4),  # the threshold itself is kept
        (True, 0.6, 0.6, 4, 4),  # the first of equal classes
    ],
)
def test_cases(salient, first, second, written, evaluated) -> None:
    maps = np.array([[[first]], [[second]]], np.float32)
    saliency = np.array([[51 if salient else 50]], np.uint8)
    result = fuse_maps(maps, (3, 7), SALIENCY, saliency)
    assert [int(label[0, 0]) for label in result] == [written, evaluated]


def test_constant_background() -> None:
    maps = np.array([[[0.29, 0.3, 0.31]]], np.float32)
    written, evaluated = fuse_maps(maps, (0,), BackgroundCue('constant', value=0.3))
    assert evaluated.tolist() == [[0, 0, 1]]  # background wins ties
    assert written.tolist() == evaluated.tolist()  # no saliency, no rule of it


def test_power_background() -> None:
    maps = np.array([[[0.3, 0.4]], [[0.0, 0.1]]], np.float32)
    _, evaluated = fuse_maps(maps, (0, 1), BackgroundCue('power', exponent=2))
    assert evaluated.tolist() == [[0, 1]]  # (1 - .3)^2 = .49 > .3; (1 - .4)^2 = .36 < .4


def test_image_without_classes_is_background() -> None:
    for cue in (BackgroundCue('constant'), BackgroundCue('power')):
        written, _ = fuse_maps(np.zeros((0, 2, 3), np.float32), (), cue)
        assert written.tolist() == [[0, 0, 0]] * 2


def test_errors() -> None:
    maps = np.zeros((1, 2, 2), np.float32)
    with pytest.raises(ValueError, match=r'saliency map must be of size \(2, 2\), got \(3, 2\)'):
        fuse_maps(maps, (0,), SALIENCY, np.zeros((3, 2), np.uint8))
    with pytest.raises(ValueError, match='got none'):
        fuse_maps(maps, (0,), SALIENCY)
    with pytest.raises(ValueError, match="must be one of .*got 'salience'"):
        BackgroundCue('salience')
