"""Files that are predicted in batches: what fails is noted, and tried alone first."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmdrs.apis import Prediction, Segmentor, init_model
from mmdrs.apis.prediction.files import Outcome, predict_files
from mmdrs.apis.prediction.folder import OVERLAYS, PredictedFolder
from mmdrs.pseudo_labels.image_file import read_image
from tests.apis.prediction.tiny_segmentor import write_segmentor


@pytest.fixture
def model(tmp_path: Path) -> Segmentor:
    return init_model(**write_segmentor(tmp_path), device='cpu')


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Path]:
    """Five images of noise; the third one has another size."""
    found = {f'image {number}': tmp_path / f'{number}.png' for number in range(5)}
    for number, path in enumerate(found.values()):
        size = (30, 40, 3) if number == 2 else (50, 70, 3)
        pixels = np.random.default_rng(number).integers(0, 256, size, np.uint8)
        Image.fromarray(pixels).save(path)
    return found


def _masks(folder: PredictedFolder, names: Sequence[str]) -> list[np.ndarray]:
    return [np.asarray(Image.open(folder.path('masks', name))) for name in names]


def _record_batches(monkeypatch: pytest.MonkeyPatch, broken: int | None = None) -> list[list]:
    """The widths of the images of each batch; the network fails at those of one width."""
    batches, predict = [], Segmentor.predict_batch

    def recorded(self: Segmentor, pixels: Sequence[np.ndarray], *rest: Any) -> list[Prediction]:
        batches.append([image.shape[1] for image in pixels])
        if broken in batches[-1]:
            raise RuntimeError('out of memory')
        return predict(self, pixels, *rest)

    monkeypatch.setattr(Segmentor, 'predict_batch', recorded)
    return batches


def test_batches_change_nothing(
    model: Segmentor, images: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = _record_batches(monkeypatch)
    folder = PredictedFolder(tmp_path / 'out', model, 'auto')
    outcome = predict_files(images, folder, 2, False)
    assert batches == [[70, 70], [40, 70], [70]]
    assert (outcome.predicted, outcome.kept, outcome.failed) == (5, 0, {})
    expected = [model.predict(read_image(path)).label for path in images.values()]
    for mask, label in zip(_masks(folder, list(images)), expected, strict=True):
        np.testing.assert_array_equal(mask, label)
    counts = {index: sum((label == index).any() for label in expected) for index in range(4)}
    assert outcome.classes == {index: count for index, count in counts.items() if count}


def test_where_the_network_fails_each_image_is_tried(
    model: Segmentor, images: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = _record_batches(monkeypatch, broken=40)
    folder = PredictedFolder(tmp_path / 'out', model, 'auto')
    outcome = predict_files(images, folder, 3, False)
    assert batches == [[70, 70, 40], [70], [70], [40], [70, 70]]
    assert outcome.predicted == 4
    path = images['image 2']
    assert outcome.failed.keys() == {path}
    assert outcome.failed[path].startswith(f'{path}: the network fails: ')
    assert 'out of memory' in outcome.failed[path]
    assert not folder.path('masks', 'image 2').exists()
    assert len(_masks(folder, [name for name in images if name != 'image 2'])) == 4


def test_a_batch_of_broken_images_alone(model: Segmentor, images: dict, tmp_path: Path) -> None:
    for name in ('image 0', 'image 1'):
        images[name].write_bytes(b'no image')
    folder = PredictedFolder(tmp_path / 'out', model, 'auto')
    outcome = predict_files(images, folder, 2, False)
    assert outcome.failed.keys() == {images['image 0'], images['image 1']}
    assert outcome.predicted == 3


def test_an_image_without_its_mask_is_unfinished(
    model: Segmentor, images: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mask is written last: a stop before it leaves an image to be predicted again."""
    folder = PredictedFolder(tmp_path / 'out', model, 'auto')

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr('mmdrs.apis.prediction.folder.write_label', stop)
        with pytest.raises(KeyboardInterrupt):
            predict_files(images, folder, 1, False)
    assert folder.path(OVERLAYS, 'image 0').is_file()
    outcome = predict_files(images, folder, 1, False)
    assert (outcome.predicted, outcome.kept) == (5, 0)
    assert predict_files(images, folder, 1, False).kept == 5
    # Probabilities are missing yet.
    more = PredictedFolder(tmp_path / 'out', model, 'auto', probabilities=True)
    assert predict_files(images, more, 1, False).predicted == 5
    assert predict_files(images, more, 1, False).kept == 5


def test_background_only() -> None:
    outcome = Outcome()
    assert not outcome.background_only  # nothing was predicted
    outcome.kept = 1
    outcome.classes.update([0])
    assert outcome.background_only
    outcome.classes.update([0, 2])
    assert not outcome.background_only
