"""The report without ground truth, of the training images, and of names that look like HTML."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.errors import InputError
from mmdrs.reporting.report import write_report


def edit_description(work_dir: Path, old: str, new: str) -> None:
    """Change what the pipeline says of its run."""
    path = work_dir / 'pipeline.json'
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_without_ground_truth(copied: Path) -> None:
    edit_description(copied, '"seg_map_path": "SegmentationClass"', '"seg_map_path": null')
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
    name = '<img src=x onerror=alert(1)>'
    edit_description(copied, '"disc"', f'"{name}"')
    edit_description(copied, 'maps with DRS', '</td><script>alert(1)</script>')
    log = next((copied / 'refinement').glob('2*/vis_data/2*.json'))
    log.write_text(log.read_text().replace('"decode.loss_', '"<b>loss_x": 1, "decode.loss_'))
    text = write_report(copied, images=6).read_text()
    assert '<img src=x' not in text
    assert '&lt;img src=x onerror=alert(1)&gt;' in text
    assert '<script>alert' not in text and '&lt;script&gt;alert(1)' in text
    assert '<b>loss_' not in text and '&lt;b&gt;loss_x' in text


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


def test_moved_data(copied: Path, tiny_voc: Path) -> None:
    edit_description(copied, f'"{tiny_voc}"', '"gone"')
    with pytest.raises(InputError, match="are in 'gone', which is not there.*--data-root"):
        write_report(copied, images=1)
    assert 'data-score' in write_report(copied, images=1, data_root=tiny_voc).read_text()


def test_validation_images_of_the_evaluation_alone(copied: Path) -> None:
    """Released settings have no list of validation images of the maps."""
    description = json.loads((copied / 'pipeline.json').read_text())
    del description['datasets']['val']
    (copied / 'pipeline.json').write_text(json.dumps(description))
    assert 'the 6 of the val list' in write_report(copied, images=1).read_text()
    description['datasets']['evaluation'] = None
    (copied / 'pipeline.json').write_text(json.dumps(description))
    assert 'the 6 of the train list' in write_report(copied, images=1).read_text()
    with pytest.raises(InputError, match='has no list of val images'):
        write_report(copied, split='val')


def test_number_of_images(copied: Path) -> None:
    assert 'No images were asked for' in write_report(copied, images=0).read_text()
    with pytest.raises(InputError, match='must not be negative'):
        write_report(copied, images=-1)


@pytest.mark.parametrize('name', ['pseudo_labels/val/img_3.png', 'drs_maps/val/img_2.npz'])
def test_damaged_files_are_named(copied: Path, name: str) -> None:
    (copied / name).write_bytes((copied / name).read_bytes()[:60])
    with pytest.raises(InputError, match=f'{copied / name} '):
        write_report(copied, images=1)
