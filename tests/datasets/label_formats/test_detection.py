"""Which format a source has."""

import pytest

from mmdrs.datasets.label_formats.detection import chosen_format, detect
from mmdrs.datasets.label_formats.labelled import ReadOptions, Source
from mmdrs.errors import InputError, MissingFileError
from tests.datasets.label_formats.test_labelme import labelme
from tests.datasets.label_formats.test_voc_xml import annotation

NONE = ReadOptions()


def test_what_else_would_fit_is_said(files) -> None:
    root = files({'cat/1.jpg': b'', 'cat/1.json': labelme('1.jpg', 'dog')})
    found = detect(Source(root), NONE)
    assert found.name == 'labelme' and list(found.others) == ['folders']
    text = found.describe()
    assert text.startswith('format: labelme (cat/1.json has')
    assert 'it would also fit folders (1 folders of images: cat): --format folders' in text
    assert chosen_format(Source(root), 'folders', NONE).describe().count('\n') == 0


def test_folders_of_kinds_of_files_are_no_classes(files) -> None:
    root = files(
        {
            'Annotations/1.xml': annotation('1.jpg', 'cat'),
            'JPEGImages/1.jpg': b'',
            'SegmentationClass/1.png': b'',
            'saliency_map/1.png': b'',
        }
    )
    found = detect(Source(root), NONE)
    assert (found.name, found.others) == ('voc', {})


def test_no_format(files) -> None:
    root = files({'a.jpg': b'', 'x.zip': b''})
    with pytest.raises(InputError, match=r'no labels are found in it\. Known: yolo, coco'):
        detect(Source(root), NONE)
    with pytest.raises(InputError, match=r'x\.zip: no labels are found in it \(unpack it first\)'):
        detect(Source(root / 'x.zip'), NONE)
    files({'1.xml': annotation('1.jpg')})
    found = detect(Source(root / '1.xml'), NONE)
    with pytest.raises(InputError, match=r'1\.xml: read as voc, 1 images have no label'):
        found.read(Source(root / '1.xml'), NONE)
    with pytest.raises(MissingFileError, match='y: no such file or folder'):
        detect(Source(root / 'y'), NONE)
