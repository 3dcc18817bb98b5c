"""What is said of lists, images, labels, masks and saliency maps, in the user's own names."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.doctor.data import data_findings, given_data
from mmdrs.doctor.images import decode_findings
from mmdrs.findings import Finding
from mmdrs.pseudo_labels.image_file import decoding_fault

SETTINGS = dict(
    train_list='train.txt',
    val_list='val.txt',
    image_dir='JPEGImages',
    mask_dir='SegmentationClass',
    saliency_dir='saliency_map',
    segments_dir='segments',
)
CLASSES = ('background', 'disc', 'bar', 'cross')


@pytest.fixture
def data(tiny_voc: Path, tmp_path: Path) -> Path:
    """The tiny data set; images 0 to 3 train, 4 and 5 are scored. All is well."""
    root = Path(shutil.copytree(tiny_voc, tmp_path / 'data'))
    for number in range(6):
        (root / 'segments' / f'img_{number}').mkdir(parents=True)
        save(root / 'segments' / f'img_{number}' / '0.png', np.ones((40, 48)))
    lines = (root / 'ImageSets' / 'Segmentation' / 'train_cls.txt').read_text().splitlines()
    (root / 'train.txt').write_text('\n'.join(lines[:4]) + '\n')
    (root / 'val.txt').write_text('\n'.join(lines[4:]) + '\n')
    return root


def configs(root: Path) -> list[dict]:
    """As the pipeline's stages have them."""
    prefix = dict(
        img_path='JPEGImages',
        seg_map_path='SegmentationClass',
        saliency_path='saliency_map',
        segments_path='segments',
    )
    shared = dict(type='mmseg.ImageLabelDataset', data_root=str(root), data_prefix=prefix)
    shared |= dict(metainfo=dict(classes=CLASSES), test_mode=True)
    return [dict(shared, ann_file=name) for name in ('train.txt', 'val.txt')]


def found(root: Path, decoded: bool = False) -> list[Finding]:
    """The findings, but for val's classes, of which the tiny list lacks one."""
    findings = data_findings(given_data(configs(root), SETTINGS), decoded)
    return [finding for finding in findings if 'no image has the class' not in finding.message]


def only(findings: list[Finding], where: str, words: str = '') -> Finding:
    """The one finding of a key, with these words."""
    (one,) = (f for f in findings if f.where == where and words in str(f))
    return one


def save(path: Path, values: np.ndarray) -> None:
    Image.fromarray(values.astype(np.uint8)).save(path)


def test_nothing_is_said_of_good_data(data: Path) -> None:
    assert found(data, decoded=True) == []


def test_no_finding_names_a_key_of_a_data_set(data: Path) -> None:
    for folder in ('JPEGImages', 'SegmentationClass', 'saliency_map'):
        next(iter(sorted((data / folder).iterdir()))).unlink()
        save(data / folder / ('img_1.jpg' if folder[0] == 'J' else 'img_1.png'), np.ones((3, 3)))
    shutil.rmtree(data / 'segments' / 'img_0')
    save(data / 'segments' / 'img_1' / '1.png', np.ones((3, 3)))
    findings = found(data)
    text = '\n'.join(map(str, findings))
    assert 'data_prefix' not in text and 'ann_file' not in text and 'img_suffix' not in text
    missing = {f.where: f.examples for f in findings if 'files are missing' in f.message}
    assert set(missing) == {'image_dir', 'mask_dir', 'saliency_dir', 'segments_dir'}
    assert '1.png is 3 x 3, but the mask before it is 48 x 40' in str(
        only(findings, 'segments_dir', 'wrong file')
    )
    assert missing['image_dir'] == (str(data / 'JPEGImages' / 'img_0.jpg'),)


def test_all_wrong_lines_and_files_are_told_at_once(data: Path) -> None:
    """The labels of a wrong list are unknown, its images are looked at all the same."""
    (data / 'train.txt').write_text('img_0 9\nimg_1 cat\nimg_2 bar\nimg_9 0\n')
    save(data / 'saliency_map' / 'img_2.png', np.zeros((9, 9)))
    findings = found(data)
    listed = only(findings, 'train_list')
    assert listed.message == '2 lines are wrong'
    assert 'line 1: class 9' in listed.examples[0]
    assert "line 2: unknown class 'cat'" in listed.examples[1]
    assert only(findings, 'image_dir', 'missing').examples[0].endswith('img_9.jpg')
    assert only(findings, 'saliency_dir', 'is 9 x 9').severity == 'error'


def test_list_that_is_not_there(data: Path) -> None:
    (data / 'val.txt').unlink()
    assert 'val.txt: no such list' in only(found(data), 'val_list').message


def test_images_that_are_trained_on_and_scored(data: Path) -> None:
    text = (data / 'val.txt').read_text()
    (data / 'val.txt').write_text('img_1 1 2\n' + text)
    overlap = only(found(data), 'val_list')
    assert (overlap.severity, overlap.message[:7]) == ('warning', '1 of 3 ')
    assert overlap.examples == (str(data / 'JPEGImages' / 'img_1.jpg'),)


def test_images_in_no_list(data: Path) -> None:
    shutil.copy(data / 'JPEGImages' / 'img_0.jpg', data / 'JPEGImages' / 'more.JPG')
    (data / 'JPEGImages' / 'notes.txt').touch()
    unlisted = only(found(data), 'image_dir')
    assert unlisted.severity == 'note'
    assert unlisted.examples == (str(data / 'JPEGImages' / 'more.JPG'),)


def test_other_suffix(data: Path) -> None:
    (data / 'JPEGImages' / 'img_1.jpg').rename(data / 'JPEGImages' / 'img_1.JPEG')
    told = only(found(data), 'image_suffix')
    assert told.severity == 'error' and "image_suffix='.JPEG'" in told.remedy


def test_images_cut_short_have_whole_headers(data: Path) -> None:
    """JPEG and PNG; only decoding finds it."""
    path = data / 'JPEGImages' / 'img_3.jpg'
    path.write_bytes(path.read_bytes()[:-200])
    assert found(data) == []
    told = only(found(data, decoded=True), 'image_dir')
    assert told.message == '1 of 6 images cannot be decoded'
    assert 'img_3.jpg is not a readable image (image file is truncated' in told.examples[0]
    noise = data / 'noise.png'
    save(noise, np.random.default_rng(0).integers(0, 256, (40, 48, 3)))
    assert decoding_fault(str(noise)) is None
    noise.write_bytes(noise.read_bytes()[:-300])
    assert 'noise.png is not a readable image' in decoding_fault(str(noise))


def test_decoding_in_processes_finds_the_same(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = data / 'JPEGImages' / 'img_3.jpg'
    path.write_bytes(path.read_bytes()[:-200])
    paths = [str(one) for one in sorted((data / 'JPEGImages').iterdir())]
    expected = decode_findings('image_dir', paths)
    assert len(expected) == 1
    monkeypatch.setattr('mmdrs.doctor.images._FEW', 1)
    assert decode_findings('image_dir', paths, 1) == expected


def labelled(data: Path, *labels: str) -> list[Finding]:
    """Findings on these labels of images 0, 1, ... as the training list, without masks."""
    lines = [f'img_{number} {own}' for number, own in enumerate(labels)]
    (data / 'train.txt').write_text('\n'.join(lines) + '\n')
    config = configs(data)[0]
    config['data_prefix'] = dict(img_path='JPEGImages')
    findings = data_findings(given_data([config], SETTINGS))
    return [finding for finding in findings if finding.where == 'train_list']


def test_labels_that_teach_too_little(data: Path) -> None:
    assert labelled(data, '0', '1', '2', '0 1') == []
    (bare,) = labelled(data, '0', '', '1', '2')
    assert bare.message == '1 of 4 images have no label' and 'img_1' in bare.examples[0]
    (absent,) = labelled(data, '0', '1', '0 1', '1')
    assert 'no image has the class cross' in absent.message and absent.severity == 'warning'
    (everywhere,) = labelled(data, '0', '0 1', '0 2')
    assert everywhere.message == 'every image has the class disc'


def test_imbalance(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('mmdrs.doctor.labels.IMBALANCE', 2)
    assert labelled(data, '0', '0', '1', '2') == []  # twice as many
    (told,) = labelled(data, '0', '0', '0', '0 1', '1 2', '1')
    assert told.message == 'disc has 4 images, cross only 1'


def test_masks_in_colours(data: Path) -> None:
    colours = np.zeros((40, 48, 3))
    colours[5:20] = (128, 0, 0)
    save(data / 'SegmentationClass' / 'img_1.png', colours)
    findings = found(data)
    assert 'img_1.png is a RGB picture' in str(only(findings, 'mask_dir', 'wrong file'))
    told = only(findings, 'mask_dir', 'colours instead')
    assert told.examples[0].endswith('img_1.png: (0, 0, 0), (128, 0, 0)')
    assert "VOC's palette" in told.remedy and 'of the 4 classes' in told.remedy


def test_values_that_are_no_class(data: Path) -> None:
    save(data / 'SegmentationClass' / 'img_1.png', np.full((40, 48), 7))
    assert 'img_1.png holds 7' in str(only(found(data), 'mask_dir', 'no class'))


def test_masks_that_count_from_another_class(data: Path) -> None:
    """A mask of class 0 is then background, and the others are those of the class before."""
    for path in (data / 'SegmentationClass').iterdir():
        mask = np.array(Image.open(path))
        save(path, np.where((mask > 0) & (mask < 255), mask - 1, mask))
    findings = [f for f in found(data) if 'show other classes' in f.message]
    assert [f.message[:7] for f in findings] == ['4 of 4 ', '2 of 2 ']
    assert 'add 1 to the masks' in findings[0].remedy
    assert 'img_1.png shows [1, 2], its labels are [1, 2]' in findings[0].examples[1]


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ((0, 0), '1 of 4 maps are 0 everywhere'),
        ((77, 77), '1 of 4 maps have one value everywhere'),
        ((3, 50), '1 of 4 maps do not exceed the threshold 50 of 255'),
        ((3, 51), ''),
    ],
)
def test_saliency_maps_that_say_nothing(values: tuple[int, int], words: str, data: Path) -> None:
    save(data / 'saliency_map' / 'img_1.png', np.resize(values, (40, 48)))
    findings = found(data)
    assert [(f.where, f.severity, f.message) for f in findings] == (
        [('saliency_dir', 'warning', words)] if words else []
    )


def test_data_sets_of_other_packages_check_themselves() -> None:
    assert given_data([dict(type='mmseg.ADE20KDataset', ann_file='')], SETTINGS) == []
