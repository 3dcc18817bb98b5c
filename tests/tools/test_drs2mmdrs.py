"""A released checkpoint through the converter and tools/test.py."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmseg.registry import MODELS
from PIL import Image

from mmdrs.apis import load_config
from mmdrs.pseudo_labels.map_file import read_maps
from tests.parity.golden import GoldenFolder
from tests.pipeline_runs import ROOT, load_tool

released = load_tool('model_converters/released_checkpoints')


def convert_and_test(
    checkpoint: object, config: str, tmp_path: Path, capsys, options: list[str], *arguments: str
) -> str:
    """Convert a checkpoint, run tools/test.py on it, and return what the converter printed."""
    torch.save(checkpoint, tmp_path / 'released.pth')
    ours = tmp_path / 'converted.pth'
    load_tool('model_converters/drs2mmdrs').main([str(tmp_path / 'released.pth'), str(ours)])
    printed = capsys.readouterr().out
    assert f'python tools/test.py configs/{config} {ours}' in printed
    out = ['--work-dir', str(tmp_path / 'work'), '--out', str(tmp_path / 'out')]
    config = str(ROOT / 'configs' / config)
    workers = ['test_dataloader.num_workers=0', 'test_dataloader.persistent_workers=False']
    load_tool('test').main(
        [config, str(ours), *out, *arguments, '--cfg-options', *workers, *options]
    )
    return printed


@pytest.mark.usefixtures('mmseg_scope')
def test_deeplabv2(golden: GoldenFolder, tiny_voc: Path, tmp_path: Path, capsys) -> None:
    """The prediction is the argmax of the released network's logits, resized."""
    config = 'deeplab/deeplabv2-msc_r101-d8_1xb5-20k_voc12drs-321x321.py'
    checkpoint = golden.checkpoint('deeplabv2_resnet101_msc')
    model = MODELS.build(load_config(str(ROOT / 'configs' / config)).model).eval()
    released.load_converted(model, released.convert(checkpoint))
    image = np.array(Image.open(tiny_voc / 'JPEGImages' / 'img_1.jpg').convert('RGB'))
    bgr = image[..., ::-1].astype(np.float32) - np.array([104.008, 116.669, 122.675], np.float32)
    with torch.no_grad():
        logits = model(torch.from_numpy(bgr.transpose(2, 0, 1).copy())[None])
    # One class wins everywhere with random weights; a bias lets several win.
    bias = -logits.mean((0, 2, 3))
    checkpoint['base.aspp.c0.bias'] += bias
    logits = logits + bias[:, None, None]
    resized = torch.nn.functional.interpolate(logits, image.shape[:2], mode='bilinear')
    expected = resized.argmax(1)[0].numpy()
    assert len(np.unique(expected)) > 3

    (tmp_path / 'one.txt').write_text('img_1\n')
    options = [
        f'test_dataloader.dataset.data_root={tiny_voc}',
        f'test_dataloader.dataset.ann_file={tmp_path / "one.txt"}',
    ]
    printed = convert_and_test(checkpoint, config, tmp_path, capsys, options)
    assert 'DeepLabV2-ResNet-101 with MSC' in printed and '632 tensors' in printed
    predicted = np.array(Image.open(tmp_path / 'out' / 'img_1.png'))
    # cv2 and Pillow decode the JPEG alike; a rounding may tip a pixel.
    assert (predicted == expected).mean() > 0.99


def test_classifier_makes_maps(
    golden: GoldenFolder, tiny_voc: Path, tmp_path: Path, capsys
) -> None:
    one_image = tmp_path / 'one.txt'
    one_image.write_text('img_1 1 2\n')
    state = dict(model=golden.checkpoint('drs_vgg16'), epoch=14)
    config = 'drs/drs-learnable_vgg16_2xb5-15e_voc12-320x320.py'
    options = [
        f'test_dataloader.dataset.data_root={tiny_voc}',
        f'test_dataloader.dataset.ann_file={one_image}',
        'test_dataloader.dataset.data_prefix.saliency_path=',
    ]
    printed = convert_and_test(state, config, tmp_path, capsys, options, '--tta')
    assert 'not carried over: epoch = 14' in printed and '26 tensors were in it twice' in printed
    maps = read_maps(tmp_path / 'out' / 'img_1.npz')
    assert maps.labels == (1, 2) and maps.values.shape == (2, 320, 320)
    assert maps.values.max() >= 254  # normalised by its own maximum


def test_refused_files(tmp_path: Path) -> None:
    def refusal(path: Path) -> str:
        with pytest.raises(SystemExit) as stop:
            load_tool('model_converters/drs2mmdrs').main([str(path), str(tmp_path / 'out.pth')])
        assert not (tmp_path / 'out.pth').exists()
        return str(stop.value.code)

    assert 'does not exist' in refusal(tmp_path / 'gone.pth')
    torch.save(dict(model=Path('x')), tmp_path / 'unsafe.pth')  # a pickled object
    assert 'pathlib' in refusal(tmp_path / 'unsafe.pth')
    torch.save({'zzz.weight': torch.zeros(1)}, tmp_path / 'other.pth')
    assert "'zzz.weight'" in refusal(tmp_path / 'other.pth')
