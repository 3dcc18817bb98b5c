"""Nothing of the user's is overwritten, and no two images share a file."""

import ntpath
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mmdrs.errors import InputError
from mmdrs.pseudo_labels import output_paths
from mmdrs.pseudo_labels.label_file import write_label
from mmdrs.pseudo_labels.map_file import LocalizationMaps, write_maps
from mmdrs.pseudo_labels.output_paths import check_outputs, image_id, output_path

PALETTE = [[0, 0, 0]]
LABEL = np.zeros((2, 2), np.uint8)


@pytest.mark.parametrize(
    'name',
    ['../a', 'x/../../a', '/etc/a', '', 'a/', './a', 'x//a', 'a\0b', '..', '.evaluated/a'],
)
def test_no_file_outside_of_the_folder(name: str) -> None:
    with pytest.raises(InputError, match='would write outside of the output folder'):
        output_path('out', name, '.png')


@pytest.mark.parametrize('name', ['..\\a', 'x\\..\\..\\a', 'C:a', 'C:\\a', '\\\\server\\share\\a'])
def test_no_file_outside_of_the_folder_on_windows(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_paths, 'os', SimpleNamespace(sep='\\', path=ntpath))
    with pytest.raises(InputError, match='would write outside of the output folder'):
        output_path('out', name, '.png')
    assert output_path('out', 'x/a', '.png') == Path('out/x/a.png')


def test_files_have_the_folders_of_the_images() -> None:
    assert output_path('out', 'x/a.b', '.png') == Path('out/x/a.b.png')
    assert image_id(dict(img_id='x/a', img_path='/d/x/a.jpg')) == 'x/a'
    assert image_id(dict(img_path='/d/x/a.jpg')) == 'a'


@pytest.mark.parametrize('key', ['img_path', 'seg_map_path', 'saliency_path'])
@pytest.mark.parametrize('linked', [False, True])
def test_inputs_are_no_outputs(tmp_path: Path, key: str, linked: bool) -> None:
    """Also where the output folder is a link to that of the inputs."""
    data, out = tmp_path / 'data', tmp_path / 'data'
    data.mkdir()
    if linked:
        out = tmp_path / 'link'
        out.symlink_to(data)
    image = {'img_path': 'images/a.jpg', key: str(data / 'a.png')}
    with pytest.raises(InputError, match=r'a\.png is an input of this data set'):
        check_outputs([(out, '.png')], [image])
    check_outputs([(out, '.npz')], [image])
    check_outputs([(tmp_path / 'out', '.png')], [image])


def test_two_images_of_one_file(tmp_path: Path) -> None:
    images = [dict(img_path='x/a.jpg'), dict(img_path='y/a.jpg')]
    with pytest.raises(InputError, match=r'results of x/a\.jpg and y/a\.jpg would be one file'):
        check_outputs([(tmp_path, '.png')], images)
    named = [dict(image, img_id=image['img_path'][:3]) for image in images]
    check_outputs([(tmp_path, '.png'), (tmp_path / 'crf', '.png')], named)
    images = [dict(img_path='a.jpg'), dict(img_path='crf/a.jpg', img_id='crf/a')]
    with pytest.raises(InputError, match='would be one file'):  # of two metrics
        check_outputs([(tmp_path, '.png'), (tmp_path / 'crf', '.png')], images)


def test_files_of_others_are_kept(tmp_path: Path) -> None:
    """Masks, say, that no data set of the config names."""
    image = dict(img_path='a.jpg')
    write_label(tmp_path / 'a.png', LABEL, PALETTE)
    np.savez(tmp_path / 'a.npz', features=LABEL)
    for suffix in ('.png', '.npz'):
        with pytest.raises(InputError, match=rf'a\{suffix} is there, was not written by mmdrs'):
            check_outputs([(tmp_path, suffix)], [image])


def test_own_and_damaged_files_are_made_again(tmp_path: Path) -> None:
    image = dict(img_path='a.jpg')
    outputs = [(tmp_path, '.png'), (tmp_path, '.npz')]
    write_label(tmp_path / 'a.png', LABEL, PALETTE, dict(kind='prediction'))
    write_maps(tmp_path / 'a.npz', LocalizationMaps((0,), LABEL[None], (2, 2)))
    check_outputs(outputs, [image])
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:20])
    check_outputs(outputs, [image])
