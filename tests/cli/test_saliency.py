"""`mmdrs saliency`: what it prints, and the record of a run with its maps."""

import shutil
from pathlib import Path

import pytest

from mmdrs.cli import pseudo_labels, saliency
from mmdrs.evaluation.records.record import read_evaluation


def test_what_it_prints(tiny_voc: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / 'maps'
    saliency.main([str(tiny_voc / 'JPEGImages'), str(out), '--model', 'spectral'])
    text, warning = capsys.readouterr()
    assert f'{out}: 6 maps made, 0 there already, by spectral residual' in text
    assert f"saliency_dir='{out}'" in text
    assert 'weak maps' in warning
    saliency.main([str(tiny_voc / 'JPEGImages'), str(out), '--model', 'spectral'])
    assert '0 maps made, 6 there already' in capsys.readouterr().out


def test_images_without_a_map_are_an_error(
    tiny_voc: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / 'given').mkdir()
    for name in ('img_0', 'img_1'):
        shutil.copy(tiny_voc / 'saliency_map' / f'{name}.png', tmp_path / 'given')
    arguments = [str(tiny_voc / 'JPEGImages'), str(tmp_path / 'out')]
    with pytest.raises(SystemExit, match='4 images have no map:\n  img_2: there is no saliency m'):
        saliency.main([*arguments, '--model', str(tmp_path / 'given')])
    assert '2 maps made' in capsys.readouterr().out


def test_source_is_in_the_record_of_labels(
    finished: Path, tiny_voc: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    saliency.main([str(tiny_voc / 'JPEGImages'), str(tmp_path / 'maps'), '--model', 'spectral'])
    config = next((finished / 'plain_classifier').glob('*.py'))
    options = [
        f'test_dataloader.dataset.data_prefix.saliency_path={tmp_path / "maps"}',
        'pseudo_labels.background_cue.type=saliency',
    ]
    pseudo_labels.main(
        [
            *(str(config), str(finished / 'plain_maps' / 'val'), str(tmp_path / 'labels')),
            *('--workers', '0', '--work-dir', str(tmp_path / 'run'), '--cfg-options', *options),
        ]
    )
    (record,) = (tmp_path / 'run' / 'results').iterdir()
    found = read_evaluation(record).scores[0].protocol.background
    assert found == 'saliency > 50 (spectral residual)'


def test_maps_below_the_images_are_no_images(
    tiny_voc: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    images = Path(shutil.copytree(tiny_voc / 'JPEGImages', tmp_path / 'images'))
    arguments = [str(images), str(images / 'maps'), '--model', 'spectral']
    saliency.main(arguments)
    saliency.main(arguments)
    assert '0 maps made, 6 there already' in capsys.readouterr().out
    with pytest.raises(SystemExit, match='results in the folder of images .* would be taken'):
        saliency.main([str(images), str(images), '--model', 'spectral'])
