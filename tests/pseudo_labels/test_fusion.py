"""Pseudo labels: the cases of the reference; tests/released has the released code's labels."""

import numpy as np
import pytest

from mmdrs.errors import InputError
from mmdrs.pseudo_labels.crf import DenseCRF
from mmdrs.pseudo_labels.fusion import BackgroundCue, fuse_maps

SALIENCY = BackgroundCue('saliency', threshold=50)


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


def test_saliency_that_is_not_sure_is_ignored() -> None:
    """From threshold (excluded) to sure (included), in the written label only."""
    cue = BackgroundCue('saliency', threshold=20, sure=120)
    maps = np.full((1, 1, 5), 0.5, np.float32)
    saliency = np.array([[0, 20, 21, 120, 121]], np.uint8)
    written, evaluated = fuse_maps(maps, (0,), cue, saliency)
    assert written.tolist() == [[0, 0, 255, 255, 1]]
    assert evaluated.tolist() == [[0, 0, 1, 1, 1]]
    with pytest.raises(InputError, match=r'`sure` \(10\) must not be below `threshold` \(50\)'):
        BackgroundCue('saliency', threshold=50, sure=10)


def test_foreground_of_saliency_and_maps() -> None:
    """One cue outvotes the other; the maps count with their sum, at most 1."""
    cue = BackgroundCue('saliency', threshold=102, sure=150, maps_weight=0.5)
    # 255 x: 0.5 x 0.9; 0.5 x 0.7; 0.5 + 0.5 x 0.2; 0.5 x 1 (of 1.2); 0.5 x 0.8 + 0.5 x 0.2.
    maps = np.array([[[0.9, 0.7, 0.2, 0.7, 0.1]], [[0.0, 0.0, 0.0, 0.5, 0.7]]], np.float32)
    saliency = np.array([[0, 0, 255, 0, 51]], np.uint8)
    np.testing.assert_allclose(
        cue.foreground(maps, saliency)[0], 255 * np.array([0.45, 0.35, 0.6, 0.5, 0.5]), rtol=1e-6
    )
    written, evaluated = fuse_maps(maps, (0, 1), cue, saliency, threshold=0)
    assert evaluated.tolist() == [[1, 0, 1, 1, 2]]
    assert written.tolist() == [[255, 0, 1, 255, 255]]  # only the third exceeds 150
    alone = BackgroundCue('saliency', threshold=102)
    _, evaluated = fuse_maps(maps, (0, 1), alone, saliency, threshold=0)
    assert evaluated.tolist() == [[0, 0, 1, 0, 0]]
    with pytest.raises(InputError, match=r'`maps_weight` must be in 0..1, got 1.5'):
        BackgroundCue(maps_weight=1.5)


def test_objects_outside_of_the_saliency_are_ignored() -> None:
    """With max_confident=1, background and a confident class contradict each other."""
    maps = np.array([[[0.61, 0.6, 0.61]], [[0.0, 0.0, 0.65]]], np.float32)
    saliency = np.array([[0, 0, 255]], np.uint8)
    written, evaluated = fuse_maps(
        maps, (0, 1), SALIENCY, saliency, confident=0.6, max_confident=1
    )
    assert written.tolist() == [[255, 0, 255]]  # two confident classes contradict as well
    assert evaluated.tolist() == [[0, 0, 2]]


def test_constant_background() -> None:
    maps = np.array([[[0.29, 0.3, 0.31]]], np.float32)
    written, evaluated = fuse_maps(maps, (0,), BackgroundCue('constant', value=0.3))
    assert evaluated.tolist() == [[0, 0, 1]]  # background wins ties
    assert written.tolist() == evaluated.tolist()  # no saliency, no rule of it


def test_low_and_high_threshold() -> None:
    """Between them the written label is ignored; the ends belong below."""
    cue = BackgroundCue('constant', value=0.3, sure=0.5)
    maps = np.array([[[0.3, 0.31, 0.5, 0.51, 0.1]], [[0.0, 0.0, 0.2, 0.2, 0.6]]], np.float32)
    written, evaluated = fuse_maps(maps, (0, 1), cue)
    assert evaluated.tolist() == [[0, 1, 1, 1, 2]]
    assert written.tolist() == [[0, 255, 255, 1, 2]]
    with pytest.raises(InputError, match=r'`sure` \(0.2\) must not be below `value` \(0.3\)'):
        BackgroundCue('constant', value=0.3, sure=0.2)
    with pytest.raises(InputError, match="`sure` is not for the type 'power'"):
        BackgroundCue('power', sure=0.5)


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


class GivenResult:
    """Stands for a CRF: keeps what it got, and gives back what it was told to."""

    def __init__(self, result: np.ndarray) -> None:
        self.result = result

    def refine(self, image: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        self.image, self.probabilities = image, probabilities
        return self.result


def test_crf_gets_probabilities_and_moves_the_label() -> None:
    """The two rules of 255: one judges the channels before the CRF, the other the label after."""
    # By pixel: background; cat; cat that the CRF takes away; background that it makes cat; three
    # confident channels, with the CRF all for the dog.
    maps = np.array([[[0.1, 0.8, 0.6, 0.0, 0.95]], [[0.0, 0.2, 0.1, 0.0, 1.02]]], np.float32)
    saliency = np.array([[0, 255, 255, 255, 0]], np.uint8)
    winners = np.array([[0, 1, 0, 1, 2]])
    crf = GivenResult((np.arange(3)[:, None, None] == winners).astype(np.float32))
    image = np.zeros((1, 5, 3), np.uint8)
    written, evaluated = fuse_maps(maps, (0, 1), SALIENCY, saliency, crf=crf, image=image)
    assert evaluated.tolist() == [[0, 1, 0, 1, 2]]
    assert written.tolist() == [[0, 1, 255, 1, 255]]
    assert crf.image is image and crf.probabilities.dtype == np.float32
    tiny = 1e-5
    expected = np.array(
        [  # background, cat and dog by pixel; 0.1 is below the threshold of the maps
            [1, tiny, tiny],
            [tiny, 0.8, 0.2],
            [tiny, 0.6, tiny],
            [tiny, tiny, tiny],
            [1, 0.95, 1.02],
        ]
    )
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(crf.probabilities[:, 0].T, expected, rtol=1e-5)
    # Without the CRF.
    written, evaluated = fuse_maps(maps, (0, 1), SALIENCY, saliency)
    assert (written.tolist(), evaluated.tolist()) == ([[0, 1, 1, 255, 255]], [[0, 1, 1, 0, 2]])


def test_crf_repairs_a_hole() -> None:
    pytest.importorskip('pydensecrf')
    image = np.zeros((12, 12, 3), np.uint8)
    image[:, 6:] = (200, 50, 50)
    maps = np.zeros((1, 12, 12), np.float32)
    maps[0, :, 6:] = 0.7
    maps[0, 5, 8] = 0.2  # a hole in the object
    expected = np.zeros((12, 12), int)
    expected[:, 6:] = 3
    cue = BackgroundCue('constant', value=0.3)
    _, without = fuse_maps(maps, (2,), cue)
    assert without[5, 8] == 0
    written, evaluated = fuse_maps(maps, (2,), cue, crf=DenseCRF(), image=image)
    np.testing.assert_array_equal(evaluated, expected)
    np.testing.assert_array_equal(written, expected)
    none = np.zeros((0, 12, 12), np.float32)  # an image without classes
    assert not fuse_maps(none, (), cue, crf=DenseCRF(), image=image)[0].any()


def test_crf_without_an_image_is_an_error() -> None:
    crf = GivenResult(np.zeros((2, 2, 2)))
    with pytest.raises(ValueError, match='needs the image'):
        fuse_maps(np.zeros((1, 2, 2), np.float32), (0,), BackgroundCue('constant'), crf=crf)


def test_class_that_a_label_file_cannot_hold() -> None:
    """It would be written as 255, which is "ignored"."""
    maps = np.ones((1, 2, 2), np.float32)
    written, _ = fuse_maps(maps, (253,), BackgroundCue('constant'))
    assert (written == 254).all()
    with pytest.raises(InputError, match=r'classes \(254,\): a label file holds 0\.\.254'):
        fuse_maps(maps, (254,), BackgroundCue('constant'))
