"""The dense CRF: against a mean field over all pixel pairs, and cases worked by hand."""

import pickle
import sys
from dataclasses import replace

import numpy as np
import pytest

from mmdrs.pseudo_labels.crf import DenseCRF

HEIGHT, WIDTH = 6, 120


@pytest.fixture
def crf() -> DenseCRF:
    pytest.importorskip('pydensecrf')
    return DenseCRF()


def softmax(scores: np.ndarray) -> np.ndarray:
    exp = np.exp(scores - scores.max(axis=0))
    return exp / exp.sum(axis=0)


def mean_field(image: np.ndarray, probabilities: np.ndarray, crf: DenseCRF) -> np.ndarray:
    """The mean field of the paper (algorithm 1), each message a sum over all pairs of pixels.

    As in the library: symmetrically normalised kernels, and a pixel is among its own neighbours.
    """
    classes, height, width = probabilities.shape
    rows, columns = np.mgrid[:height, :width]
    place = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float64)
    colour = image.reshape(-1, 3).astype(np.float64)
    appearance = np.hstack([place / crf.bilateral_sxy, colour / crf.bilateral_srgb])
    messages = np.zeros((len(place), len(place)))
    for weight, features in (
        (crf.gaussian_weight, place / crf.gaussian_sxy),
        (crf.bilateral_weight, appearance),
    ):
        distance = ((features[:, None] - features[None]) ** 2).sum(axis=2)
        kernel = np.exp(-distance / 2)
        norm = 1 / np.sqrt(kernel.sum(axis=1))
        messages += weight * norm[:, None] * kernel * norm
    unary = np.log(np.maximum(probabilities.reshape(classes, -1), 1e-5, dtype=np.float64))
    field = softmax(unary)
    for _ in range(crf.iterations):
        field = softmax(unary + field @ messages)  # Potts: agreement is rewarded
    return field.reshape(probabilities.shape)


def strip(noise: float, edge: float, slope: float, colour_edge: float):
    """An image with an edge along a long strip, and noisy probabilities of three classes.

    It is long because the appearance kernel reaches 67 pixels.
    """
    rng = np.random.default_rng(0)
    image = np.full((HEIGHT, WIDTH, 3), 100.0)
    image[HEIGHT // 2 :] += edge
    image = np.clip(image + rng.normal(0, noise, image.shape), 0, 255).astype(np.uint8)
    scores = rng.normal(0, 1, (3, HEIGHT, WIDTH))
    scores[0] += np.linspace(slope, -slope, WIDTH)
    scores[1] += np.linspace(-slope, slope, WIDTH)
    scores[2, HEIGHT // 2 :] += colour_edge
    return image, softmax(scores).astype(np.float32)


#: Iterations, the strip, and the tolerance of the mean absolute difference of probabilities.
#: The permutohedral lattice approximates both kernels, and each iteration carries its error on:
#: measured are 0.0129 after 10 iterations and 0.0060 after 3. Any constant that is off by a
#: quarter (weights) or a half (the others) gives 0.043 and 0.027 or more.
CASES = [
    (10, dict(noise=1, edge=8, slope=1, colour_edge=2), 0.02),
    (3, dict(noise=3, edge=8, slope=2, colour_edge=1), 0.012),
]
#: Factors of single constants; both weights of 0 leave out a term.
WRONG = {
    'no smoothness': dict(gaussian_weight=0),
    'no appearance': dict(bilateral_weight=0),
    'smoothness 3/4': dict(gaussian_weight=2.25),
    'smoothness 4/3': dict(gaussian_weight=4),
    'appearance 3/4': dict(bilateral_weight=3),
    'appearance 4/3': dict(bilateral_weight=5.33),
    'weights swapped': dict(gaussian_weight=4, bilateral_weight=3),
    'half gaussian_sxy': dict(gaussian_sxy=0.5),
    'twice gaussian_sxy': dict(gaussian_sxy=2),
    'half bilateral_sxy': dict(bilateral_sxy=33.5),
    'twice bilateral_sxy': dict(bilateral_sxy=134),
    'half bilateral_srgb': dict(bilateral_srgb=1.5),
    'twice bilateral_srgb': dict(bilateral_srgb=6),
}


@pytest.mark.parametrize(('iterations', 'case', 'tolerance'), CASES, ids=['10', '3'])
def test_brute_force(crf, iterations, case, tolerance) -> None:
    image, probabilities = strip(**case)
    crf = replace(crf, iterations=iterations)
    refined = crf.refine(image, probabilities)
    assert refined.dtype == np.float32 and refined.shape == probabilities.shape
    np.testing.assert_allclose(refined.sum(axis=0), 1, atol=1e-5)

    def error(other: DenseCRF) -> float:
        return float(np.abs(refined - mean_field(image, probabilities, other)).mean())

    assert error(crf) < tolerance
    wrong = {name: error(replace(crf, **constants)) for name, constants in WRONG.items()}
    wrong['half iterations'] = error(replace(crf, iterations=iterations // 2))
    wrong['input'] = float(np.abs(refined - probabilities).mean())
    assert {name: value for name, value in wrong.items() if value < 2 * tolerance} == {}


def test_the_constants_are_the_released_ones(crf) -> None:
    expected = DenseCRF(
        iterations=10,
        gaussian_weight=3,
        gaussian_sxy=1,
        bilateral_weight=4,
        bilateral_sxy=67,
        bilateral_srgb=3,
    )
    assert crf == expected == pickle.loads(pickle.dumps(crf))


def test_one_update_by_hand(crf) -> None:
    """Pixels all alike get the field's mean: odds p / (1 - p) * exp(weight * (2 mean - 1))."""
    crf = replace(crf, iterations=1, gaussian_weight=0, bilateral_weight=2, bilateral_sxy=1e6)
    first = np.array([[0.9, 0.5], [0.8, 0.6]], np.float32)  # mean 0.7
    image = np.full((2, 2, 3), 9, np.uint8)
    odds = first / (1 - first) * np.exp(2 * (2 * 0.7 - 1))
    refined = crf.refine(image, np.stack([first, 1 - first]))
    np.testing.assert_allclose(refined[0], odds / (1 + odds), rtol=1e-4)


def test_wrong_pixel_is_repaired_and_an_edge_kept(crf) -> None:
    image = np.zeros((12, 12, 3), np.uint8)
    image[:, 8:] = 255
    first = np.full((12, 12), 0.7, np.float32)
    first[:, 8:] = 0.3
    first[5, 3] = 0.2  # a wrong pixel on the left, ...
    first[2, 10] = 0.8  # ... and one on the right
    probabilities = np.stack([first, 1 - first])
    expected = np.zeros((12, 12), int)
    expected[:, 8:] = 1
    np.testing.assert_array_equal(crf.refine(image, probabilities).argmax(axis=0), expected)
    # It is the colours which keep the edge: on a uniform image the smaller part is drowned.
    uniform = crf.refine(np.zeros_like(image), probabilities)
    assert (uniform.argmax(axis=0) == 0).all()


def test_impossible_classes_stay_finite(crf) -> None:
    probabilities = np.stack([np.ones((4, 5)), np.zeros((4, 5))]).astype(np.float32)
    refined = crf.refine(np.zeros((4, 5, 3), np.uint8), probabilities)
    assert np.isfinite(refined).all() and (refined[0] > 0.99).all()


def test_one_class_is_returned_as_it_is(crf) -> None:
    probabilities = np.ones((1, 4, 5), np.float32)
    assert crf.refine(np.zeros((4, 5, 3), np.uint8), probabilities) is probabilities


def test_inputs_are_not_changed_and_may_be_read_only(crf) -> None:
    image, probabilities = strip(**CASES[0][1])
    arrays = image, probabilities
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    refined = crf.refine(image, probabilities)
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)
    flipped = crf.refine(image[:, ::-1], probabilities[..., ::-1])  # no order of memory is assumed
    assert np.abs(flipped[..., ::-1] - refined).mean() < CASES[0][2]


@pytest.mark.parametrize(
    'image',
    [
        np.zeros((5, 4, 3), np.uint8),
        np.zeros((4, 5), np.uint8),
        np.zeros((4, 5, 4), np.uint8),
        np.zeros((4, 5, 3), np.float32),
    ],
    ids=['size', 'grey', 'alpha', 'float'],
)
def test_unfit_image(crf, image) -> None:
    with pytest.raises(ValueError, match=r'image must be uint8 of shape \(4, 5, 3\).*got'):
        crf.refine(image, np.full((2, 4, 5), 0.5, np.float32))


def test_config(crf) -> None:
    assert DenseCRF.from_config(None) is None
    assert DenseCRF.from_config({}) == crf
    assert DenseCRF.from_config(dict(bilateral_srgb=5)) == replace(crf, bilateral_srgb=5)
    with pytest.raises(ValueError, match="crf has no 'srgb', only iterations"):
        DenseCRF.from_config(dict(srgb=5))
    with pytest.raises(ValueError, match='crf must be a dict, got '):
        DenseCRF.from_config('dict()')
    with pytest.raises(ValueError, match='bilateral_sxy must be above 0, got 0'):
        DenseCRF(bilateral_sxy=0)
    with pytest.raises(ValueError, match='iterations must be 1 or more, got 0'):
        DenseCRF(iterations=0)


def test_without_pydensecrf(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, 'pydensecrf', None)
    assert DenseCRF.from_config(None) is None  # off needs nothing
    with pytest.raises(ValueError, match=r"needs pydensecrf: pip install 'mmdrs\[crf\]'"):
        DenseCRF()
