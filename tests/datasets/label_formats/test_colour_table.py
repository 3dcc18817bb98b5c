"""Tables of colours."""

import pytest

from mmdrs.datasets.label_formats.colour_table import read_colour_table
from mmdrs.errors import InputError

EXPECTED = {(0, 0, 0): '', (250, 50, 83): 'sea lion', (51, 221, 255): 'cat'}


@pytest.mark.parametrize(
    'text',
    [
        # CVAT's labelmap.txt
        '# label:color_rgb:parts:actions\nbackground:0,0,0::\nsea lion:250,50,83::\n'
        'cat:51,221,255::\n',
        # CamVid's class_dict.csv
        'name,r,g,b\r\nBackground,0,0,0\r\nsea lion,250,50,83\r\ncat,51,221,255\r\n',
        'background;0;0;0\nsea lion;250;50;83\ncat;51;221;255\n',
        'background 0 0 0\nsea lion 250 50 83\n\ncat  51 221 255\n',
        # CamVid's label_colors.txt
        '0 0 0\tbackground\n250 50 83\tsea lion\n51 221 255\t\tcat\n',
    ],
)
def test_tables(text: str, files) -> None:
    found = read_colour_table(files({'a.txt': text}) / 'a.txt')
    assert found == EXPECTED and list(found) == list(EXPECTED)


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('cat,1,2\n', r"a\.txt, line 1: 'cat,1,2' is not name,r,g,b"),
        ('cat,1,2,300\n', r'a\.txt, line 1: colours are 0\.\.255, got 300'),
        ('cat,1,2,3\ndog,1,2,3\n', r'line 2: the colour \(1, 2, 3\) is there already'),
        ('background,0,0,0\n', r'a\.txt: names the colour of no class'),
    ],
)
def test_wrong_tables(text: str, problem: str, files) -> None:
    with pytest.raises(InputError, match=problem):
        read_colour_table(files({'a.txt': text}) / 'a.txt')
