"""Data infos, options and errors of the datasets with image-level labels."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from mmseg.datasets import PascalVOCDataset
from mmseg.registry import DATASETS
from PIL import Image

from mmdrs.datasets import ImageLabelDataset, VOCImageLabelDataset, listed_dataset
from mmdrs.errors import InputError, MissingFileError
from mmdrs.pseudo_labels.palette import voc_palette

LABELS = [[1, 0, 0], [0, 1, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0], [1, 0, 1]]


def test_data_infos(image_label_cfg: dict, tiny_voc: Path) -> None:
    image_label_cfg['data_prefix'] = {
        'img_path': 'JPEGImages',
        'seg_map_path': 'SegmentationClass',
        'saliency_path': 'saliency_map',
        'map_path': '',
    }
    dataset = DATASETS.build({'type': 'ImageLabelDataset', **image_label_cfg})
    assert len(dataset) == 6
    for n, label in enumerate(LABELS):
        info = dataset.get_data_info(n)
        img_label = info.pop('img_label')
        assert img_label.dtype == np.float32
        assert img_label.tolist() == label
        assert info == {
            'img_path': str(tiny_voc / 'JPEGImages' / f'img_{n}.jpg'),
            'img_id': f'img_{n}',
            'seg_map_path': str(tiny_voc / 'SegmentationClass' / f'img_{n}.png'),
            'saliency_path': str(tiny_voc / 'saliency_map' / f'img_{n}.png'),
            'label_map': None,
            'reduce_zero_label': False,
            'seg_fields': [],
            'sample_idx': n,
        }


def test_masks_to_merge(image_label_cfg: dict, tmp_path: Path) -> None:
    """A folder or a file for each image; what is missing is a file."""
    image_label_cfg['data_prefix'] |= dict(segments_path=str(tmp_path))
    for number in range(5):
        (tmp_path / f'img_{number}').mkdir()
        Image.new('1', (48, 40)).save(tmp_path / f'img_{number}' / 'a.png')
    with pytest.raises(MissingFileError) as error:
        ImageLabelDataset(**image_label_cfg)
    lines = str(error.value).splitlines()
    assert lines[0] == 'data_prefix.segments_path: 1 of 6 files are missing:'
    assert lines[1].strip() == str(tmp_path / 'img_5.json')
    encoded = [dict(segmentation=dict(size=[40, 48], counts=[1920]))]
    (tmp_path / 'img_5.json').write_text(json.dumps(encoded))
    dataset = ImageLabelDataset(**image_label_cfg)
    found = [Path(dataset.get_data_info(n)['segments_path']).name for n in range(6)]
    assert found == ['img_0', 'img_1', 'img_2', 'img_3', 'img_4', 'img_5.json']
    Image.new('1', (40, 48)).save(tmp_path / 'img_3' / 'a.png')
    os.utime(tmp_path / 'img_3', (0, 0))
    with pytest.raises(InputError, match=r'segments_path: 1 wrong .*\n.*img_3 is 40 x 48, its im'):
        ImageLabelDataset(**image_label_cfg)


def test_metainfo(image_label_cfg: dict) -> None:
    meta = ImageLabelDataset(**image_label_cfg).metainfo
    assert meta['classes'] == ('background', 'disc', 'bar', 'cross')
    assert meta['palette'] == voc_palette(4)
    assert meta['label_map'] is None
    palette = [[n, n, n] for n in range(4)]
    image_label_cfg['metainfo'] = {**image_label_cfg['metainfo'], 'palette': palette}
    assert ImageLabelDataset(**image_label_cfg, test_mode=True).metainfo['palette'] == palette


def test_name_of_the_data_set_is_kept(
    image_label_cfg: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is: MMEngine reads the file that a text in metainfo names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'Pets').write_text('not a name')
    image_label_cfg['metainfo'] = {**image_label_cfg['metainfo'], 'dataset_name': 'Pets'}
    assert ImageLabelDataset(**image_label_cfg).metainfo['dataset_name'] == 'Pets'
    assert 'dataset_name' not in ImageLabelDataset.METAINFO


@pytest.mark.parametrize('serialize_data', [True, False])
def test_parent_options(image_label_cfg: dict, serialize_data: bool) -> None:
    dataset = ImageLabelDataset(
        **image_label_cfg, serialize_data=serialize_data, indices=[4, 1], lazy_init=True
    )
    assert dataset.metainfo['classes'][1] == 'disc'
    dataset.full_init()
    assert [dataset.get_data_info(n)['img_id'] for n in range(2)] == ['img_4', 'img_1']
    assert dataset.get_data_info(1)['img_label'].tolist() == LABELS[1]
    assert len(ImageLabelDataset(**image_label_cfg, indices=3)) == 3


def test_lazy_init_reads_no_file(image_label_cfg: dict) -> None:
    image_label_cfg['ann_file'] = 'absent.txt'
    dataset = ImageLabelDataset(**image_label_cfg, lazy_init=True)
    with pytest.raises(FileNotFoundError, match=r'absent\.txt'):
        dataset.full_init()


def test_class_folders_with_several_suffixes(tiny_voc: Path, tmp_path: Path) -> None:
    for name in ('disc', 'bar', 'cross'):
        (tmp_path / name).mkdir()
    images = tiny_voc / 'JPEGImages'
    shutil.copy(images / 'img_0.jpg', tmp_path / 'disc' / 'a.jpg')
    shutil.copy(images / 'img_1.jpg', tmp_path / 'bar' / 'b.jpeg')
    shutil.copy(images / 'img_1.jpg', tmp_path / 'cross' / 'b.jpeg')
    dataset = ImageLabelDataset(
        class_folders=True,
        data_root=str(tmp_path),
        data_prefix={'img_path': ''},
        metainfo={'classes': ['background', 'disc', 'bar', 'cross']},
        img_suffix=['.jpg', '.jpeg'],
    )
    infos = [dataset.get_data_info(n) for n in range(2)]
    assert [Path(i['img_path']) for i in infos] == [
        tmp_path / 'disc' / 'a.jpg',
        tmp_path / 'bar' / 'b.jpeg',
    ]
    assert [i['img_id'] for i in infos] == ['a', 'b']
    assert [i['img_label'].tolist() for i in infos] == [[1, 0, 0], [0, 1, 1]]


def test_list_with_suffixes_and_mixed_image_types(tiny_voc: Path, tmp_path: Path) -> None:
    shutil.copy(tiny_voc / 'JPEGImages' / 'img_0.jpg', tmp_path / 'a.jpg')
    shutil.copy(tiny_voc / 'saliency_map' / 'img_0.png', tmp_path / 'b.png')
    (tmp_path / 'list.csv').write_text('id,labels\na.jpg,disc\nb,1\n')
    dataset = ImageLabelDataset(
        ann_file='list.csv',
        data_root=str(tmp_path),
        data_prefix={'img_path': '.'},
        metainfo={'classes': ('background', 'disc', 'bar')},
        img_suffix=('.jpg', '.png'),
    )
    assert [Path(dataset.get_data_info(n)['img_path']).name for n in range(2)] == [
        'a.jpg',
        'b.png',
    ]
    assert dataset.get_data_info(0)['img_id'] == 'a'


@pytest.mark.parametrize('suffix', [None, ''])
def test_images_of_any_ending(
    suffix: str | None, image_label_cfg: dict, tiny_voc: Path, tmp_path: Path
) -> None:
    picture = Image.open(tiny_voc / 'JPEGImages' / 'img_0.jpg')
    names = ('a.JPG', 'b.jpeg', 'c d.Png', 'x/e.webp', 'f.BMP', 'g.tif')
    (tmp_path / 'x').mkdir()
    for name in names:
        picture.save(tmp_path / name)
    picture.save(tmp_path / 'a.png')  # a mask beside the image that the list names
    more = dict(data_prefix=dict(img_path=str(tmp_path)), img_suffix=suffix)
    lines = ['a.JPG 0', 'b 1', 'x/e.jpg 2', 'f.bmp 0', 'g 0']
    infos = listed(image_label_cfg, tmp_path, *lines, **more)
    found = ['a.JPG', 'b.jpeg', 'x/e.webp', 'f.BMP', 'g.tif']
    assert [info['img_path'] for info in infos] == [f'{tmp_path}/{name}' for name in found]
    assert [info['img_id'] for info in infos] == ['a', 'b', 'x/e', 'f', 'g']
    with pytest.raises(InputError, match=r"'a' may be .*a\.JPG or .*a\.png; write the ending"):
        listed(image_label_cfg, tmp_path, 'a 0', **more)
    with pytest.raises(FileNotFoundError, match=r'2 of 3 files are missing:\n.*h\.jpg\n.*i\.png'):
        listed(image_label_cfg, tmp_path, 'b 0', 'h 1', 'i.png 0', **more)


def test_missing_files(image_label_cfg: dict, tiny_voc: Path) -> None:
    image_label_cfg['data_prefix'] = {'img_path': 'JPEGImages', 'map_path': 'maps'}
    with pytest.raises(FileNotFoundError) as error:
        ImageLabelDataset(**image_label_cfg)
    message = str(error.value)
    assert message.startswith('data_prefix.map_path: 6 of 6 files are missing:')
    assert str(tiny_voc / 'maps' / 'img_4.npz') in message
    assert 'img_5' not in message
    assert 'Run the stage that writes the localization maps' in message
    assert len(ImageLabelDataset(**image_label_cfg, check_files=False)) == 6


def test_mask_of_another_size(image_label_cfg: dict, tiny_voc: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_voc / 'saliency_map', tmp_path / 'saliency')
    Image.new('L', (48, 39)).save(tmp_path / 'saliency' / 'img_3.png')
    image_label_cfg['data_prefix'] = {
        'img_path': 'JPEGImages',
        'saliency_path': str(tmp_path / 'saliency'),
    }
    with pytest.raises(ValueError, match=r'img_3\.png is 48 x 39, its image .* is 48 x 40'):
        ImageLabelDataset(**image_label_cfg)
    assert len(ImageLabelDataset(**image_label_cfg, check_sizes=False)) == 6


def listed(image_label_cfg: dict, tmp_path: Path, *lines: str, **changes) -> list[dict]:
    """The data infos of a list with these lines."""
    path = tmp_path / 'list.txt'
    path.write_text('\n'.join(lines))
    dataset = ImageLabelDataset(**{**image_label_cfg, 'ann_file': str(path), **changes})
    return [dataset.get_data_info(index) for index in range(len(dataset))]


def test_list_of_absolute_paths(image_label_cfg: dict, tiny_voc: Path, tmp_path: Path) -> None:
    """As YOLO's train.txt: the images are found, and results go below the output folder."""
    images = tiny_voc / 'JPEGImages'
    image_label_cfg['data_prefix']['seg_map_path'] = 'SegmentationClass'
    lines = [f'{images}/img_0.jpg 0', f'{images}/img_1 1 2']
    infos = listed(image_label_cfg, tmp_path, *lines)
    assert [info['img_path'] for info in infos] == [f'{images}/img_{n}.jpg' for n in (0, 1)]
    assert [info['img_id'] for info in infos] == ['img_0', 'img_1']
    assert infos[1]['seg_map_path'] == f'{tiny_voc}/SegmentationClass/img_1.png'
    elsewhere = tmp_path / 'elsewhere' / 'x'
    shutil.copytree(images, elsewhere)
    del image_label_cfg['data_prefix']['seg_map_path']
    lines[0] = f'{elsewhere}/img_0.jpg 0'
    infos = listed(image_label_cfg, tmp_path, *lines)
    for info, line in zip(infos, lines, strict=True):
        assert info['img_path'].startswith(line.split()[0])
        assert not Path(info['img_id']).is_absolute() and '..' not in info['img_id']


@pytest.mark.parametrize(
    ('lines', 'problem'),
    [
        (
            ['../JPEGImages/img_0 0'],
            r"list\.txt: the image id '\.\./JPEGImages/img_0' wo",
        ),
        (['x/../img_0 0'], 'would write outside'),
        (['img_0 0', 'img_0.jpg 1'], "'img_0' and 'img_0.jpg' have one id, 'img_0'"),
        (['img_0 0', './img_0 1'], "'img_0' and './img_0' have one id"),
    ],
)
def test_ids_that_leave_the_folder_or_meet(
    image_label_cfg: dict, tmp_path: Path, lines: list[str], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        listed(image_label_cfg, tmp_path, *lines)


def test_two_photographs_of_one_stem(
    image_label_cfg: dict, tiny_voc: Path, tmp_path: Path
) -> None:
    """1.jpg and 1.png: the first was read twice, the second never."""
    for name, source in (('1.jpg', 'img_0'), ('1.png', 'img_1'), ('2.png', 'img_2')):
        Image.open(tiny_voc / 'JPEGImages' / f'{source}.jpg').save(tmp_path / name)
    more = dict(data_prefix=dict(img_path=str(tmp_path)), img_suffix=('.jpg', '.png'))
    with pytest.raises(InputError, match=r"'1\.jpg' and '1\.png' have one id, '1'"):
        listed(image_label_cfg, tmp_path, '1.jpg 0', '1.png 1', **more)
    infos = listed(image_label_cfg, tmp_path, '1.png 0', '2 1', **more)
    assert [Path(info['img_path']).name for info in infos] == ['1.png', '2.png']


def test_unreadable_images_and_masks_in_one_message(
    image_label_cfg: dict, tiny_voc: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(tiny_voc, tmp_path / 'data'))
    (root / 'JPEGImages' / 'img_1.jpg').write_text('<html>404</html>')
    image_label_cfg['data_root'] = str(root)
    with pytest.raises(InputError, match=r'img_path: 1 wrong file:\n .*img_1\.jpg is not a read'):
        ImageLabelDataset(**image_label_cfg)
    (root / 'SegmentationClass' / 'img_2.png').write_bytes(b'')
    Image.new('L', (48, 40), 9).save(root / 'SegmentationClass' / 'img_4.png')
    image_label_cfg['data_prefix'] |= dict(
        seg_map_path='SegmentationClass', saliency_path='saliency_map'
    )
    for path in (root / 'saliency_map').iterdir():
        Image.fromarray(np.uint8(np.asarray(Image.open(path)) > 0)).save(path)
    with pytest.raises(InputError) as error:
        ImageLabelDataset(**image_label_cfg)
    for words in (
        'img_1.jpg is not a readable image',
        'img_2.png is not a readable label',
        'img_4.png holds 9',
        'no value of 6 saliency maps of 8 bits exceeds 1 of 255',
    ):
        assert words in str(error.value)
    assert len(ImageLabelDataset(**image_label_cfg, check_sizes=False)) == 6


def test_broken_images_are_left_out_by_choice(
    image_label_cfg: dict, tiny_voc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is no image, another is cut short behind a good header; a missing one is an error."""
    root = Path(shutil.copytree(tiny_voc, tmp_path / 'data'))
    images = root / 'JPEGImages'
    (images / 'img_1.jpg').write_bytes(b'no image')
    whole = (images / 'img_4.jpg').read_bytes()
    (images / 'img_4.jpg').write_bytes(whole[: len(whole) * 3 // 4])
    config = dict(image_label_cfg, data_root=str(root))
    with pytest.raises(InputError, match=r'img_1\.jpg'):
        ImageLabelDataset(**config)
    printed: list[str] = []
    monkeypatch.setattr(listed_dataset, 'print_log', lambda text, **_: printed.append(text))
    dataset = ImageLabelDataset(**config, skip_broken=True)
    kept = [dataset.get_data_info(n) for n in range(len(dataset))]
    assert [info['img_id'] for info in kept] == ['img_0', 'img_2', 'img_3', 'img_5']
    assert kept[1]['img_label'].tolist() == LABELS[2]
    (text,) = printed
    assert '2 of 6 images cannot be decoded and are left out' in text and 'img_4.jpg' in text
    (images / 'img_0.jpg').unlink()
    with pytest.raises(InputError, match=r'img_0\.jpg'):
        ImageLabelDataset(**config, skip_broken=True)


def test_nothing_but_broken_images(image_label_cfg: dict, tiny_voc: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(tiny_voc, tmp_path / 'data'))
    for path in (root / 'JPEGImages').iterdir():
        path.write_bytes(b'no image')
    with pytest.raises(InputError, match='no image can be decoded: .*img_0.jpg'):
        ImageLabelDataset(**dict(image_label_cfg, data_root=str(root)), skip_broken=True)


def test_binary_masks(image_label_cfg: dict, tiny_voc: Path, tmp_path: Path) -> None:
    """0 and 255: all objects would be left out of the score."""
    root = Path(shutil.copytree(tiny_voc / 'SegmentationClass', tmp_path / 'masks'))
    for path in root.iterdir():
        Image.fromarray(np.where(np.asarray(Image.open(path)) > 0, 255, 0).astype(np.uint8)).save(
            path
        )
    image_label_cfg['data_prefix']['seg_map_path'] = str(root)
    with pytest.raises(InputError, match=r'none of 6 masks has a pixel.*\nWrite class 1'):
        ImageLabelDataset(**image_label_cfg, test_mode=True)


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'metainfo': None}, 'metainfo.classes must name the classes'),
        ({'metainfo': {'classes': ('disc', 'bar')}}, "start with 'background', not 'disc'"),
        ({'metainfo': {'classes': ('background',)}}, 'one or more different names'),
        ({'metainfo': {'classes': ('background', 'a', 'a')}}, 'one or more different names'),
        ({'metainfo': {'classes': ('background', 'a')}}, 'class 1 is outside 0..0'),
        ({'data_prefix': {'saliency_path': 'x'}}, 'data_prefix.img_path is required'),
        ({'data_prefix': {'img_path': 'x', 'img': 'y'}}, "unknown key 'img' in data_prefix"),
        ({'ann_file': ''}, 'ann_file'),
        ({'class_folders': True}, 'either ann_file'),
        ({'ann_file': 'ImageSets/Segmentation/train.txt'}, 'plain list of ids'),
    ],
)
def test_wrong_arguments(image_label_cfg: dict, changes: dict, words: str) -> None:
    with pytest.raises(ValueError) as error:
        ImageLabelDataset(**{**image_label_cfg, **changes})
    assert words in str(error.value)


def test_as_many_classes_as_labels_of_8_bit_have(image_label_cfg: dict) -> None:
    """254 classes have the values 1..254; the next one would have 255, which is "ignored"."""
    names = [f'class {number}' for number in range(255)]
    image_label_cfg['metainfo'] = {'classes': ('background', *names[:254])}
    assert len(ImageLabelDataset(**image_label_cfg).metainfo['classes']) == 255
    image_label_cfg['metainfo'] = {'classes': ('background', *names)}
    with pytest.raises(InputError, match='names 255 classes .* 8 bit .* 255 is "ignored"'):
        ImageLabelDataset(**image_label_cfg, lazy_init=True)


def test_voc(tiny_voc: Path, image_label_cfg: dict) -> None:
    del image_label_cfg['metainfo']
    dataset = VOCImageLabelDataset(**image_label_cfg)
    assert dataset.metainfo['classes'] == PascalVOCDataset.METAINFO['classes']
    assert dataset.metainfo['palette'] == PascalVOCDataset.METAINFO['palette']
    label = dataset.get_data_info(1)['img_label']
    assert label.shape == (20,)
    assert np.flatnonzero(label).tolist() == [1, 2]
    with pytest.raises(ValueError, match='its classes are fixed.* use ImageLabelDataset'):
        VOCImageLabelDataset(**image_label_cfg, metainfo={'classes': ('background', 'cat')})
