"""Pascal VOC XML."""

from pathlib import Path

import pytest

from mmdrs.errors import InputError

#: As LabelImg writes it.
XML = """<annotation>
\t<folder>my photos</folder>
\t<filename>{image}</filename>
\t<path>C:\\Users\\me\\my photos\\{image}</path>
\t<source>
\t\t<database>Unknown</database>
\t</source>
\t<size>
\t\t<width>640</width>
\t\t<height>480</height>
\t\t<depth>3</depth>
\t</size>
\t<segmented>0</segmented>
{objects}</annotation>
"""
OBJECT = """\t<object>
\t\t<name>{name}</name>
\t\t<pose>Unspecified</pose>
\t\t<truncated>0</truncated>
\t\t<difficult>{difficult}</difficult>
\t\t<bndbox>
\t\t\t<xmin>37</xmin>
\t\t\t<ymin>20</ymin>
\t\t\t<xmax>250</xmax>
\t\t\t<ymax>310</ymax>
\t\t</bndbox>
\t</object>
"""


def annotation(image: str, *names: str) -> str:
    objects = ''.join(OBJECT.format(name=name, difficult=1) for name in names)
    return XML.format(image=image, objects=objects)


def test_objects_of_each_file(files, detected) -> None:
    root = files(
        {
            'Annotations/IMG 1.xml': annotation('IMG 1.JPG', 'potted plant', 'cat', 'cat'),
            'Annotations/trip/2.xml': annotation('2.jpg'),
            'JPEGImages/IMG 1.JPG': b'',
        }
    )
    assert detected(root) == (
        'voc',
        ({'IMG 1': ('cat', 'potted plant'), 'trip/2': ()}, ('cat', 'potted plant')),
    )
    assert detected(root, 'potted plant', 'cat')[1][1] == ('potted plant', 'cat')
    with pytest.raises(InputError, match=r"IMG 1\.xml: unknown class 'cat' .*mean 'cart'"):
        detected(root, 'potted plant', 'cart')


@pytest.mark.parametrize(
    'head', ['<!DOCTYPE annotation [<!ENTITY a "b">]>', '<!DOCTYPE annotation SYSTEM "x.dtd">']
)
def test_document_types_are_refused(head: str, files, detected) -> None:
    """Entities of entities may stand for thousand million characters."""
    text = head + annotation('1.jpg', '&a;' if 'ENTITY' in head else 'cat')
    root = files({'1.xml': text})
    with pytest.raises(InputError, match=r'1\.xml .*a DOCTYPE is not allowed'):
        detected(root)


def test_damaged_file(files, detected) -> None:
    root: Path = files({'1.xml': annotation('1.jpg', 'cat'), '2.xml': '<annotation><object>'})
    with pytest.raises(InputError, match=r'2\.xml is not a readable annotation'):
        detected(root)
