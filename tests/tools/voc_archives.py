"""Small archives in the layout of VOC 2012 and of the Semantic Boundaries Dataset.

Worked by hand: train is a1 and a2, val is v1 and v2; SBD's train is s1, a1 and v1, its val s2 and
s3. So train_aug is a1, a2, s1, s2, s3. The image d1 is in no list. SBD has masks of a1 and v1 as
well, which differ from VOC's. Every mask has the class of :data:`CLASS_OF` in its left half.
"""

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

from mmdrs.pseudo_labels.palette import voc_palette
from tests.pipeline_runs import load_tool

VOC = 'VOCdevkit/VOC2012'
LISTS = f'{VOC}/ImageSets/Segmentation'
SBD = 'benchmark_RELEASE/dataset'
TRAIN_AUG = ['a1', 'a2', 's1', 's2', 's3']

SIZES = {
    'a1': (4, 6),
    'a2': (5, 8),
    'v1': (6, 4),
    'v2': (4, 4),
    's1': (3, 8),
    's2': (4, 10),
    's3': (7, 6),
    'd1': (4, 6),
}
"""Height and width of the images."""

CLASS_OF = {'a1': 1, 'a2': 2, 'v1': 3, 'v2': 4, 's1': 15, 's2': 20, 's3': 7}
"""Value of the class in the masks that are to be used."""

OTHER_CLASS = 9
"""Value in SBD's masks of images that have one of VOC."""

XML_OBJECTS = {
    'a1': [('aeroplane', 0)],
    'a2': [('person', 1), ('bicycle', 0)],
    'v1': [('bird', 0), ('bird', 0)],
    'v2': [('boat', 0)],
    's1': [('person', 0), ('chair', 0)],
    's2': [('tvmonitor', 0)],
    's3': [('car', 1)],
    'd1': [('cat', 0)],
}
"""Class and 'difficult' of the objects in the annotations."""


def mask_of(name: str, value: int) -> np.ndarray:
    """A mask (H, W): ``value`` in the left half, 255 in the last pixel."""
    height, width = SIZES[name]
    mask = np.zeros((height, width), np.uint8)
    mask[:, : width // 2] = value
    mask[-1, -1] = 255
    return mask


def png_bytes(mask: np.ndarray) -> bytes:
    """A palette PNG as those of VOC."""
    picture = Image.fromarray(mask)
    picture.putpalette([part for colour in voc_palette(256) for part in colour])
    return _saved(picture, 'PNG')


def mat_bytes(mask: np.ndarray) -> bytes:
    """A struct GTcls(1, 1) with the fields of SBD."""
    file = io.BytesIO()
    parts = {'Boundaries': np.zeros(1), 'Segmentation': mask, 'CategoriesPresent': np.zeros(1)}
    savemat(file, {'GTcls': parts})
    return file.getvalue()


def jpg_bytes(height: int, width: int) -> bytes:
    return _saved(Image.new('RGB', (width, height), (90, 120, 60)), 'JPEG')


def xml_bytes(objects: Sequence[tuple[str, int]]) -> bytes:
    """An annotation; the part of a body has a name too, which is no class."""
    items = ''.join(
        f'<object><name>{name}</name><difficult>{difficult}</difficult>'
        '<part><name>head</name></part></object>'
        for name, difficult in objects
    )
    return f'<annotation><folder>VOC2012</folder>{items}</annotation>'.encode()


def voc_files() -> dict[str, bytes]:
    """Members of VOCtrainval_11-May-2012.tar."""
    files = {f'{VOC}/JPEGImages/{name}.jpg': jpg_bytes(*size) for name, size in SIZES.items()}
    for name, objects in XML_OBJECTS.items():
        files[f'{VOC}/Annotations/{name}.xml'] = xml_bytes(objects)
    files[f'{LISTS}/train.txt'] = b'a1\na2\n'
    files[f'{LISTS}/val.txt'] = b'v1\nv2\n'
    files[f'{LISTS}/trainval.txt'] = b'a1\na2\nv1\nv2\n'
    files[f'{VOC}/ImageSets/Main/cat_train.txt'] = b'd1 1\n'
    for name in ('a1', 'a2', 'v1', 'v2'):
        mask = mask_of(name, CLASS_OF[name])
        files[f'{VOC}/SegmentationClass/{name}.png'] = png_bytes(mask)
        files[f'{VOC}/SegmentationObject/{name}.png'] = png_bytes(mask)
    return files


def sbd_files() -> dict[str, bytes]:
    """Members of benchmark.tgz."""
    files = {f'{SBD}/train.txt': b's1\na1\nv1\n', f'{SBD}/val.txt': b's2\ns3\n'}
    for name in ('s1', 'a1', 'v1', 's2', 's3'):
        value = CLASS_OF[name] if name.startswith('s') else OTHER_CLASS
        files[f'{SBD}/cls/{name}.mat'] = mat_bytes(mask_of(name, value))
        files[f'{SBD}/img/{name}.jpg'] = jpg_bytes(*SIZES[name])
    files['benchmark_RELEASE/README'] = b'read me'
    return files


def voc_test_files() -> dict[str, bytes]:
    """Members of VOC2012test.tar."""
    return {
        f'{VOC}/JPEGImages/t1.jpg': jpg_bytes(4, 4),
        f'{VOC}/Annotations/t1.xml': xml_bytes([]),
        f'{LISTS}/test.txt': b't1\n',
    }


def write_tar(
    path: Path, files: Mapping[str, bytes], special: Sequence[tarfile.TarInfo] = ()
) -> Path:
    """Write an archive, compressed if its name ends in 'gz', and return its path."""
    with tarfile.open(path, 'w:gz' if path.name.endswith('gz') else 'w') as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in special:
            archive.addfile(info)
    return path


def write_archives(folder: Path) -> tuple[Path, Path, Path]:
    """Write the archives of VOC, SBD and VOC test."""
    return (
        write_tar(folder / 'voc.tar', voc_files()),
        write_tar(folder / 'benchmark.tgz', sbd_files()),
        write_tar(folder / 'test.tar', voc_test_files()),
    )


def special(name: str, kind: bytes, target: str = '') -> tarfile.TarInfo:
    """A member that is a link, a device, or an empty file with an odd name."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def make_voc_root(folder: Path) -> Path:
    """Make ``VOC2012`` of the archives, as the converter makes it, and return its path."""
    archives = folder / 'archives'
    archives.mkdir()
    voc, sbd, _ = write_archives(archives)
    tool = load_tool('dataset_converters/voc12_aug')
    tool.prepare_voc_aug({'VOC': voc, 'SBD': sbd}, folder, expected=5, any_checksum=True)
    return folder / 'VOC2012'


def contents(folder: Path) -> dict[str, bytes]:
    """The files below a folder by relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob('*')
        if path.is_file()
    }


def _saved(picture: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()
