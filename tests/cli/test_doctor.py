"""`mmdrs doctor` on the template, small: all at once, exit codes, JSON."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from mmdrs.cli.doctor import main
from tests.pipeline_runs import SETTINGS, tiny_options


@pytest.fixture
def data(tiny_voc: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_voc, tmp_path / 'data'))


def arguments(data: Path, *options: str) -> list[str]:
    given = [str(SETTINGS), '--work-dir', str(data / 'work'), '--workers', '0', '--json', '-']
    return [*given, '--cfg-options', *tiny_options(data), *options]


def test_environment_alone(capsys: pytest.CaptureFixture) -> None:
    main([])
    printed = capsys.readouterr().out
    assert printed.startswith('mmdrs: ') and '\n0 errors, ' in printed


def test_settings_without_errors(data: Path, capsys: pytest.CaptureFixture) -> None:
    main(arguments(data))
    told = json.loads(capsys.readouterr().out.partition('{')[2].join(['{', '']))
    assert told['errors'] == 0
    warnings = [f['where'] for f in told['findings'] if f['severity'] == 'warning']
    assert warnings == ['val_list']  # the tiny lists are the same
    assert {'memory', 'disk', 'torch', 'python'} <= set(told['facts'])
    assert not (data / 'work').exists()


def test_everything_at_once(data: Path, capsys: pytest.CaptureFixture) -> None:
    path = data / 'JPEGImages' / 'img_2.jpg'
    path.write_bytes(path.read_bytes()[:-200])
    (data / 'saliency_map' / 'img_4.png').unlink()
    Image.new('L', (48, 40), 9).save(data / 'SegmentationClass' / 'img_4.png')
    options = ['batch_size=7', 'backbone.init_cfg.type=Pretrained']
    options += ['backbone.init_cfg.checkpoint=gone.pth', 'segmentation_head.channel=9', 'typo=1']
    with pytest.raises(SystemExit) as caught:
        main(arguments(data, *options[:-1]))
    assert caught.value.code == 1
    printed = capsys.readouterr().out
    told = json.loads('{' + printed.partition('{')[2])
    errors = {f['where']: f for f in told['findings'] if f['severity'] == 'error'}
    assert set(errors) == {
        *('image_dir', 'saliency_dir', 'mask_dir', 'batch_size', 'segmentation'),
        'backbone.init_cfg.checkpoint',
    }
    assert 'img_2.jpg' in errors['image_dir']['examples'][0]
    assert "'channel'" in errors['segmentation']['message']
    with pytest.raises(SystemExit):
        main(arguments(data, options[-1]))
    assert "'typo'" in capsys.readouterr().out


def test_stage_config_instead_of_settings(capsys: pytest.CaptureFixture) -> None:
    config = SETTINGS.with_name('plain-classifier_custom.py')
    with pytest.raises(SystemExit) as caught:
        main([str(config)])
    assert caught.value.code == 1
    printed = capsys.readouterr().out
    assert 'the config of one network' in printed and 'tools/train.py' in printed
