"""The network as ONNX, against PyTorch and against what Segmentor predicts."""

import json
import textwrap
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from mmdrs.apis import Segmentor, init_model
from mmdrs.cli import export
from mmdrs.errors import InputError
from mmdrs.reporting.export.onnx_file import export_onnx
from tests.apis.prediction.tiny_segmentor import write_segmentor

pytest.importorskip('onnx')
onnxruntime = pytest.importorskip('onnxruntime')

KEPT = dict(type='Resize', scale=(96, 60), keep_ratio=True)
FIXED = dict(type='Resize', scale=(80, 64), keep_ratio=False)
ONE_CHANNEL = dict(num_classes=2, out_channels=1, threshold=0.3)


def segmentor(folder: Path, **changes: object) -> Segmentor:
    return init_model(**write_segmentor(folder, **changes), device='cpu')


def photo(height: int, width: int) -> np.ndarray:
    """RGB noise, smooth enough to be resized."""
    noise = np.random.default_rng(height).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return cv2.blur(noise, (5, 5))


def test_scores_of_pytorch(tmp_path: Path) -> None:
    """Of RGB images, two at once, sizes other than those of the export."""
    model = segmentor(tmp_path)
    difference = export_onnx(model, tmp_path / 'net.onnx')
    assert difference < 1e-4
    session = onnxruntime.InferenceSession(tmp_path / 'net.onnx')
    mean, std = (np.array(values, np.float32) for values in ([120, 110, 100], [60, 58, 56]))
    for height, width in ((40, 48), (75, 53)):
        images = np.stack([photo(height, width), photo(height, width)[::-1]])
        inputs = torch.from_numpy((images - mean) / std).permute(0, 3, 1, 2).float()
        with torch.no_grad():
            scores = model.network(inputs, mode='tensor')
        size = dict(size=(height, width), mode='bilinear', align_corners=False)
        expected = torch.nn.functional.interpolate(scores, **size).numpy()
        pixels = images.transpose(0, 3, 1, 2).astype(np.float32)
        (found,) = session.run(['scores'], dict(image=pixels))
        assert found.shape == (2, 4, height, width)
        np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())


def test_metadata(tmp_path: Path) -> None:
    model = segmentor(tmp_path, resize=KEPT)
    export_onnx(model, tmp_path / 'net.onnx')
    session = onnxruntime.InferenceSession(tmp_path / 'net.onnx')
    notes = session.get_modelmeta().custom_metadata_map
    notes = {key: json.loads(value) for key, value in notes.items()}
    assert notes['classes'] == ['background', 'disc', 'bar', 'cross']
    assert notes['palette'] == model.palette
    assert notes['resize'] == dict(scale=[96, 60], keep_ratio=True)


@pytest.mark.parametrize(
    'changes',
    [
        dict(),
        dict(resize=KEPT),
        dict(resize=FIXED),
        dict(preprocessor=dict(bgr_to_rgb=False)),
        dict(names=('background', 'disc'), head=ONE_CHANNEL),
    ],
    ids=['own size', 'ratio kept', 'fixed size', 'BGR network', 'one channel'],
)
def test_example_of_the_help(
    changes: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """Its labels are those of the network; borders move where images are resized."""
    monkeypatch.chdir(tmp_path)
    model = segmentor(tmp_path, **changes)
    image = photo(90, 120)
    Image.fromarray(image).save('photo.png')
    if changes.get('head'):  # a threshold between the scores of random weights
        scores = model.predict(image).probabilities[1]
        model.network.decode_head.threshold = float(np.median(scores))
    expected = model.predict('photo.png').label
    assert len(np.unique(expected)) > 1
    export_onnx(model, Path('segmentor.onnx'))
    text = export.__doc__.split('used without MMSegmentation:\n')[1]
    values: dict = {}
    exec(textwrap.dedent(text).replace('photo.jpg', 'photo.png'), values)
    assert values['label'].shape == expected.shape
    most = 0.01 if changes.get('resize') else 0.001
    assert np.mean(values['label'] != expected) <= most
    found = [model.classes[index] for index in np.unique(values['label'])]
    assert capsys.readouterr().out.splitlines()[-1] == str(found)


@pytest.mark.filterwarnings('ignore')
def test_wrong_export_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that depends on the size is a constant for the tracing exporter."""
    model = segmentor(tmp_path)
    whole: Callable[..., Tensor] = model.network.forward

    def wrong(inputs: Tensor, mode: str) -> Tensor:
        return whole(inputs, mode=mode) * float(np.sqrt(int(inputs.shape[3])))

    monkeypatch.setattr(model.network, 'forward', wrong)
    before = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match='computes other scores than PyTorch'):
        export_onnx(model, tmp_path / 'net.onnx')
    assert {path.name for path in tmp_path.iterdir()} == before


def test_network_that_fails_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was there stays."""
    model = segmentor(tmp_path)

    def fails(inputs: Tensor, mode: str) -> Tensor:
        raise RuntimeError('no such operator')

    monkeypatch.setattr(model.network, 'forward', fails)
    (tmp_path / 'net.onnx').write_text('finished')
    with pytest.raises(InputError, match='cannot be exported as ONNX: .*no such operator'):
        export_onnx(model, tmp_path / 'net.onnx')
    assert (tmp_path / 'net.onnx').read_text() == 'finished'


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(preprocessor=dict(test_cfg=dict(size_divisor=32))), 'pads images'),
        (dict(preprocessor=dict(mean=None, std=None)), 'no mean and std'),
        (dict(resize=dict(type='RandomFlip', prob=0.0)), 'by RandomFlip'),
        (dict(resize=dict(type='Resize', scale_factor=0.5)), 'a Resize with a scale only'),
    ],
)
def test_what_a_file_cannot_say_is_refused(changes: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        export_onnx(segmentor(tmp_path, **changes), tmp_path / 'net.onnx')
    assert not (tmp_path / 'net.onnx').exists()
