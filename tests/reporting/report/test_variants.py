"""The report without ground truth, of the training images, and of names that look like HTML."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.errors import InputError
from mmdrs.reporting.report import write_report


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / 'work'))


def edit_configs(work_dir: Path, old: str, new: str) -> None:
    """Change the configs that the stages ran with."""
    for path in work_dir.glob('*/*.py'):
        path.write_text(path.read_text().replace(old, new))


def test_without_ground_truth(copied: Path) -> None:
    edit_configs(copied, "seg_map_path='SegmentationClass'", 'seg_map_path=None')
    text = write_report(copied, images=2).read_text()
    assert 'The first 2 of 6 images' in text
    assert text.count('this needs masks') == 3  # curves, classes, sizes
    assert 'Ignored pixels of the pseudo labels' in text
    assert 'ground truth</figcaption>' not in text and 'worst first' not in text


def test_training_images_have_no_prediction(copied: Path) -> None:
    text = write_report(copied, images=2, split='train').read_text()
    assert 'the 6 of the train list' in text
    assert 'score of the pseudo labels' in text and 'Confusion, prediction' not in text


def test_names_are_no_html(copied: Path) -> None:
    edit_configs(copied, "'disc'", '"<img src=x onerror=alert(1)>"')
    text = write_report(copied, images=6).read_text()
    assert '<img src=x' not in text
    assert '&lt;img src=x onerror=alert(1)&gt;' in text


def test_predictions_of_another_size(copied: Path) -> None:
    """As the released evaluation makes them: they are shown, and do not count."""
    for path in (copied / 'evaluation' / 'predictions').glob('*.png'):
        Image.fromarray(np.zeros((30, 30), np.uint8)).save(path)
    text = write_report(copied, images=1).read_text()
    assert '6 of another size than their masks do not count' in text
    assert 'score of the pseudo labels' in text and 'prediction</figcaption>' in text


def test_missing_maps_are_named(copied: Path) -> None:
    next((copied / 'drs_maps' / 'val').glob('*.npz')).unlink()
    text = write_report(copied, images=1).read_text()
    assert '<code>drs_maps</code>: only 5 of the 6 val images have its files' in text
    assert 'DRS maps</figcaption>' not in text


def test_number_of_images(copied: Path) -> None:
    assert 'No images were asked for' in write_report(copied, images=0).read_text()
    with pytest.raises(InputError, match='must not be negative'):
        write_report(copied, images=-1)
