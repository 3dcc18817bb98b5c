"""Predictions of a network: those of MMSegmentation, in windows, and in little memory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import mmseg.apis
import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmdrs.apis import Segmentor, init_model
from mmdrs.apis.prediction import windows
from mmdrs.errors import InputError, MissingFileError
from tests.apis.prediction.tiny_segmentor import write_segmentor

RESIZE = dict(type='Resize', scale=(96, 80), keep_ratio=True)
SINGLE = dict(num_classes=2, out_channels=1, threshold=0.4)
PADDED = dict(test_cfg=dict(size_divisor=32))


class LargestTensor(TorchDispatchMode):
    """Records how many values the largest tensor has that an operator returns."""

    values = 0

    def __torch_dispatch__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        tensors = (leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor))
        self.values = max([self.values, *(tensor.numel() for tensor in tensors)])
        return result


def _segmentor(folder: Path, **options: Any) -> Segmentor:
    return init_model(**write_segmentor(folder, **options), device='cpu')


def _image(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def _reference(model: Segmentor, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Label and probabilities by MMSegmentation."""
    network = model.network
    network.cfg = Config(network.cfg.to_dict())  # it changes the pipeline of the config
    sample = mmseg.apis.inference_model(network, np.ascontiguousarray(image[..., ::-1]))
    scores = sample.seg_logits.data
    # It has taken the sigmoid of a single output.
    single = len(scores) == 1
    probabilities = torch.cat([1 - scores, scores]) if single else scores.softmax(dim=0)
    return sample.pred_sem_seg.data[0].numpy(), probabilities.numpy()


@pytest.mark.parametrize(
    'options',
    [
        {},
        dict(resize=RESIZE),
        dict(head=SINGLE, names=('background', 'disc')),
        dict(preprocessor=PADDED),
        dict(head=dict(align_corners=True), resize=RESIZE),
    ],
    ids=['plain', 'resized', 'single output', 'padded', 'aligned corners'],
)
def test_predictions_are_those_of_mmsegmentation(tmp_path: Path, options: dict) -> None:
    model = _segmentor(tmp_path, **options)
    image = _image(50, 70)
    found = model.predict(image, wanted='levels')
    label, probabilities = _reference(model, image)
    assert len(np.unique(label)) > 1
    np.testing.assert_array_equal(found.label, label)
    np.testing.assert_array_equal(found.probabilities, probabilities)
    expected = np.rint(probabilities * 255)
    assert sorted(found.levels) == np.flatnonzero(expected.any(axis=(1, 2))).tolist()
    for index, levels in found.levels.items():
        np.testing.assert_array_equal(levels, expected[index])
    assert found.found == np.unique(label).tolist()


def test_files_and_batches_are_predicted_as_single_arrays(tmp_path: Path) -> None:
    model = _segmentor(tmp_path)
    images = [_image(50, 70), _image(40, 60, 1), _image(50, 70, 2)]
    cv2.imwrite(str(tmp_path / 'a.png'), images[0][..., ::-1])
    file = mmseg.apis.inference_model(model.network, str(tmp_path / 'a.png'))
    found = model.predict_batch([tmp_path / 'a.png', *images[1:]])
    np.testing.assert_array_equal(found[0].label, file.pred_sem_seg.data[0].numpy())
    for prediction, image in zip(found, images, strict=True):
        np.testing.assert_array_equal(prediction.image, image)
        np.testing.assert_array_equal(prediction.label, model.predict(image).label)


@pytest.mark.parametrize(
    'options',
    [{}, dict(head=SINGLE, names=('background', 'disc')), dict(preprocessor=PADDED)],
    ids=['plain', 'single output', 'padded'],
)
@pytest.mark.parametrize('batch_size', [1, 4])
def test_windows_give_the_prediction_of_the_whole(
    tmp_path: Path, options: dict, batch_size: int
) -> None:
    """The field of view ends within the half of the overlap that is cut off."""
    model = _segmentor(tmp_path, **options)
    image = _image(184, 216)  # in 64 pixels: the last windows are smaller
    whole = model.predict(image, 0, 'floats')
    (tiled,) = model.predict_batch([image], 64, 'floats', batch_size)
    np.testing.assert_array_equal(tiled.label, whole.label)
    np.testing.assert_allclose(tiled.probabilities, whole.probabilities, atol=1e-5)
    (levels,) = model.predict_batch([image], 64, 'levels', batch_size)
    for index, found in levels.levels.items():
        np.testing.assert_allclose(found / 255, whole.probabilities[index], atol=0.5 / 255 + 1e-5)


@pytest.mark.parametrize('size', [(90, 110), (368, 432), (3, 300)])
def test_windows_of_a_resized_image(tmp_path: Path, size: tuple[int, int]) -> None:
    resize = dict(type='Resize', scale=(216, 184), keep_ratio=False)
    model = _segmentor(tmp_path, resize=resize)
    image = _image(*size)
    whole = model.predict(image, 0, 'floats')
    tiled = model.predict(image, 64, 'floats')
    np.testing.assert_allclose(tiled.probabilities, whole.probabilities, atol=1e-4)
    assert (tiled.label != whole.label).mean() < 1e-3  # rounding may turn a tie


def test_strips_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = _segmentor(tmp_path, resize=dict(type='Resize', scale_factor=0.5))
    image = _image(200, 240)
    before = model.predict(image, 64, 'levels')
    monkeypatch.setattr(windows, 'MOST_SCORES', 1000)
    after = model.predict(image, 64, 'levels')
    np.testing.assert_array_equal(before.label, after.label)
    assert before.levels.keys() == after.levels.keys()
    for index in before.levels:
        np.testing.assert_array_equal(before.levels[index], after.levels[index])


@pytest.mark.parametrize('resize', [None, dict(type='Resize', scale_factor=0.25)])
def test_windows_never_hold_the_scores_of_the_image(
    tmp_path: Path, resize: dict | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ('background', *(f'class {index}' for index in range(1, 8)))
    model = _segmentor(tmp_path, names=names, resize=resize)
    image = _image(1100, 1080)
    monkeypatch.setattr(windows, 'MOST_SCORES', 1 << 20)
    with LargestTensor() as largest:
        model.predict(image, 256, 'levels')
    pixels = image.shape[0] * image.shape[1]
    # The input of the network has three colours; a resized one is smaller than a strip.
    assert largest.values <= (3 * pixels if resize is None else 1 << 20)
    with LargestTensor() as whole:
        model.predict(image, 0)
    assert whole.values >= 8 * pixels


def test_only_large_images_are_tiled_by_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = _segmentor(tmp_path)
    runs = []
    monkeypatch.setattr(
        windows.WindowedInference,
        'run',
        lambda self, *_: runs.append((self.tile, self.batch_size)),
    )
    model.predict(_image(300, 300))
    model.predict(_image(300, 300), 300)
    assert not runs
    model.predict_batch([_image(300, 300), _image(64, 300)], 256, batch_size=3)
    model.predict(np.zeros((2000, 1100, 3), np.uint8))
    assert runs == [(256, 3), (256, 3), (1024, 1)]


def test_a_tile_that_is_too_small(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='a tile of 20 pixels is too small; give 64 or more'):
        _segmentor(tmp_path).predict(_image(100, 100), 20)


def test_images_that_are_none(tmp_path: Path) -> None:
    model = _segmentor(tmp_path)
    with pytest.raises(MissingFileError, match='nowhere'):
        model.predict(tmp_path / 'nowhere.png')
    with pytest.raises(InputError, match='RGB uint8'):
        model.predict(np.zeros((20, 20), np.uint8))
    with pytest.raises(InputError, match='RGB uint8'):
        model.predict(np.zeros((20, 20, 3), np.float32))


def test_what_init_model_takes(tmp_path: Path) -> None:
    network = write_segmentor(tmp_path)
    for wrong in ({}, dict(config=network['config']), dict(run=tmp_path, **network)):
        with pytest.raises(InputError, match='a run, or a config and a checkpoint'):
            init_model(**wrong)
    with pytest.raises(MissingFileError, match=r'nowhere\.pth'):
        init_model(config=network['config'], checkpoint=tmp_path / 'nowhere.pth')
    with pytest.raises(InputError, match='no work directory of mmdrs run'):
        init_model(tmp_path)
    model = init_model(**network, device='cpu')
    assert model.classes == ('background', 'disc', 'bar', 'cross')
    assert model.palette[1] == [128, 0, 0]
