"""`mmdrs predict`: what it writes, keeps, refuses and says."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmdrs.apis import init_model
from mmdrs.cli import predict
from tests.apis.prediction.tiny_segmentor import write_segmentor


@pytest.fixture
def network(tmp_path: Path) -> list[str]:
    """The arguments of a network with random weights."""
    files = write_segmentor(tmp_path)
    return ['--config', str(files['config']), '--checkpoint', str(files['checkpoint'])]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two folders of noise with an image of the same name."""
    folder = tmp_path / 'photos'
    for seed, name in enumerate(('x/a.png', 'y/a.png', 'y/b.png')):
        _write_noise(folder / name, seed)
    return folder


def _write_noise(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (50, 70, 3), np.uint8)
    Image.fromarray(pixels).save(path)


def _files(folder: Path) -> dict[str, int]:
    paths = (path for path in folder.rglob('*') if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in paths}


def test_masks_and_overlays_of_a_run(
    finished: Path, tiny_voc: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    """The masks of the run's own evaluation."""
    out = tmp_path / 'out'
    predict.main([str(finished), str(tiny_voc / 'JPEGImages'), '--out', str(out)])
    names = [f'img_{number}' for number in range(6)]
    assert set(_files(out)) == {
        'predictions.json',
        *(f'masks/{name}.png' for name in names),
        *(f'overlays/{name}.jpg' for name in names),
    }
    model = init_model(finished, device='cpu')
    for name in names:
        with Image.open(out / 'masks' / f'{name}.png') as mask:
            assert mask.mode == 'P'
            assert mask.getpalette()[:12] == np.ravel(model.palette).tolist()
            mask = np.asarray(mask)
        evaluated = finished / 'evaluation' / 'predictions' / f'{name}.png'
        np.testing.assert_array_equal(mask, np.asarray(Image.open(evaluated)))
    text = capsys.readouterr().out
    assert '6 images predicted\n' in text
    assert f'masks: {out / "masks"}\npictures: {out / "overlays"}\n' in text


def test_images_of_equal_names_keep_their_folders(
    network: list[str], photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / 'out'
    inputs = [str(photos / 'x'), str(photos / 'y' / 'a.png')]
    predict.main([*network, *inputs, '--out', str(out), '--probabilities'])
    assert set(_files(out)) == {
        'predictions.json',
        *(f'masks/{name}/a.png' for name in 'xy'),
        *(f'overlays/{name}/a.jpg' for name in 'xy'),
        *(f'probabilities/{name}/a.npz' for name in 'xy'),
    }
    model = init_model(config=network[1], checkpoint=network[3], device='cpu')
    found = [model.predict(photos / name / 'a.png') for name in 'xy']
    for name, prediction in zip('xy', found, strict=True):
        mask = np.asarray(Image.open(out / 'masks' / name / 'a.png'))
        np.testing.assert_array_equal(mask, prediction.label)
        stored = np.load(out / 'probabilities' / name / 'a.npz')
        expected = prediction.probabilities[stored['classes']] * 255
        np.testing.assert_array_equal(stored['levels'], np.rint(expected))
        assert [model.classes[i] for i in stored['classes']] == stored['names'].tolist()
        assert Image.open(out / 'overlays' / name / 'a.jpg').width == 160
    counts = [
        f'{model.classes[index]}: {sum(index in prediction.found for prediction in found)}'
        for index in sorted({index for prediction in found for index in prediction.found})
    ]
    assert f'2 images predicted\n  {", ".join(counts)}\n' in capsys.readouterr().out


def test_a_broken_image_is_named_and_the_rest_done(
    network: list[str], photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (photos / 'x' / 'broken.jpg').write_bytes(b'no image')
    arguments = [*network, str(photos), '--out', str(tmp_path / 'out'), '--batch-size', '2']
    with pytest.raises(SystemExit) as error:
        predict.main(arguments)
    assert isinstance(error.value.code, str)  # a message, and exit code 1
    assert '1 of the images could not be predicted' in error.value.code
    assert str(photos / 'x' / 'broken.jpg') in error.value.code
    masks = sorted(path.stem for path in (tmp_path / 'out' / 'masks').rglob('*.png'))
    assert masks == ['a', 'a', 'b']
    assert '3 images predicted\n' in capsys.readouterr().out


def test_only_broken_images(
    network: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / 'broken.jpg').touch()
    with pytest.raises(SystemExit, match='1 of the images could not'):
        predict.main([*network, str(tmp_path / 'broken.jpg'), '--out', str(tmp_path / 'out')])
    text = capsys.readouterr().out
    assert '0 images predicted\nmasks: ' in text
    assert 'warning' not in text


def test_a_second_call_does_what_is_missing(
    network: list[str], photos: Path, capsys: pytest.CaptureFixture
) -> None:
    out = photos / 'out'
    arguments = [*network, str(photos), '--out', str(out)]
    predict.main(arguments)
    first = _files(out)
    (out / 'overlays' / 'y' / 'b.jpg').unlink()
    _write_noise(photos / 'x' / 'a.png', 9)  # another image of that name
    _write_noise(photos / 'z.png', 10)
    capsys.readouterr()
    predict.main(arguments)
    second = _files(out)
    assert '3 images predicted, 1 were finished\n' in capsys.readouterr().out
    assert {k for k in first if first[k] == second[k]} == {'masks/y/a.png', 'overlays/y/a.jpg'}
    assert set(second) - set(first) == {'masks/z.png', 'overlays/z.jpg'}
    predict.main(arguments)
    assert '0 images predicted, 4 were finished\n' in capsys.readouterr().out


def test_results_of_another_network_are_kept(
    network: list[str], photos: Path, tmp_path: Path
) -> None:
    arguments = [str(photos), '--out', str(tmp_path / 'out')]
    predict.main([*network, *arguments])
    before = _files(tmp_path / 'out')
    refused = 'holds predictions of another network or with other tiles .* or --overwrite'
    with pytest.raises(SystemExit, match=refused):
        predict.main([*network, *arguments, '--tile', '64'])
    stored = torch.load(network[3])
    stored['state_dict']['decode_head.conv_seg.bias'][2] += 1e4
    torch.save(stored, network[3])
    with pytest.raises(SystemExit, match=refused):
        predict.main([*network, *arguments])
    assert _files(tmp_path / 'out') == before
    predict.main([*network, *arguments, '--overwrite'])
    for path in (tmp_path / 'out' / 'masks').rglob('*.png'):
        assert (np.asarray(Image.open(path)) == 2).all()
    made = json.loads((tmp_path / 'out' / 'predictions.json').read_text())
    assert made['classes'] == ['background', 'disc', 'bar', 'cross']
    assert made['checkpoint'] == network[3]


def test_files_of_the_user_are_kept(network: list[str], photos: Path, tmp_path: Path) -> None:
    (tmp_path / 'out' / 'masks' / 'y').mkdir(parents=True)
    own = Path(shutil.copy(photos / 'y' / 'a.png', tmp_path / 'out' / 'masks' / 'y'))
    for options in ([], ['--overwrite']):
        with pytest.raises(SystemExit, match='was not written by mmdrs'):
            predict.main([*network, str(photos), '--out', str(tmp_path / 'out'), *options])
    assert own.read_bytes() == (photos / 'y' / 'a.png').read_bytes()
    (tmp_path / 'other' / 'overlays').mkdir(parents=True)
    (tmp_path / 'other' / 'overlays' / 'own.jpg').touch()
    with pytest.raises(SystemExit, match=r'overlays is there, and .* has no predictions\.json'):
        predict.main([*network, str(photos), '--out', str(tmp_path / 'other')])
    with pytest.raises(SystemExit, match='results in the folder of images'):
        predict.main([*network, str(photos), '--out', str(photos)])


def test_background_only_is_said(
    network: list[str], photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    arguments = [*network, str(photos), '--out']
    predict.main([*arguments, str(tmp_path / 'first')])
    assert 'warning' not in capsys.readouterr().out
    stored = torch.load(network[3])
    stored['state_dict']['decode_head.conv_seg.bias'][0] += 1e4
    torch.save(stored, network[3])
    for _ in range(2):  # predicted, and finished already
        predict.main([*arguments, str(tmp_path / 'out')])
        text = capsys.readouterr().out
        assert '  background: 3\n' in text
        assert 'warning: every image is background only' in text


def test_networks_that_make_maps_are_refused(finished: Path, tmp_path: Path) -> None:
    folder = finished / 'drs_classifier'
    config, checkpoint = next(folder.glob('*.py')), next(folder.glob('*.pth'))
    arguments = [
        '--config',
        str(config),
        '--checkpoint',
        str(checkpoint),
        '--out',
        str(tmp_path / 'out'),
    ]
    _write_noise(tmp_path / 'in' / 'a.png', 0)
    with pytest.raises(SystemExit) as error:
        predict.main([*arguments, str(tmp_path / 'in')])
    assert f"'{config}' is the config of a network that makes localization maps" in str(
        error.value.code
    )
    assert f'or mmdrs predict {finished}' in error.value.code


def test_arguments_that_are_missing(
    network: list[str], finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = ['--out', str(tmp_path / 'out')]
    for arguments, message in (
        ([str(finished)], 'give images or folders of images'),
        ([*network[:2], 'a.png'], '--config and --checkpoint belong together'),
        ([*network, 'a.png', '--tile', 'some'], "'some' is neither auto nor a number"),
        ([*network, 'a.png', '--batch-size', '0'], "'0' is no number from 1"),
    ):
        with pytest.raises(SystemExit) as error:
            predict.main([*arguments, *out])
        assert error.value.code == 2
        assert message in capsys.readouterr().err
    with pytest.raises(SystemExit, match='there is no image or folder nowhere'):
        predict.main([*network, 'nowhere', *out])
    (tmp_path / 'empty').mkdir()
    with pytest.raises(SystemExit, match='no images in .*empty'):
        predict.main([*network, str(tmp_path / 'empty'), *out])
    assert not (tmp_path / 'out').exists()
