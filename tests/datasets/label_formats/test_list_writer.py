"""Lists that the converters write can be read."""

from pathlib import Path

import pytest

from mmdrs.datasets import ImageLabels, read_label_list
from mmdrs.datasets.label_formats.list_writer import write_label_list
from mmdrs.errors import InputError


def test_lists_can_be_read_again(tmp_path: Path) -> None:
    images = [ImageLabels('b', (0, 14)), ImageLabels('a', ())]
    write_label_list(tmp_path / 'lists' / 'train_cls.txt', images)
    assert (tmp_path / 'lists' / 'train_cls.txt').read_text() == 'b 0 14\na\n'
    classes = [f'class {number}' for number in range(15)]
    assert read_label_list(tmp_path / 'lists' / 'train_cls.txt', classes) == images
    images = [ImageLabels('my, "own" photo', (0, 14)), ImageLabels('a', ())]
    write_label_list(tmp_path / 'a.csv', images)
    assert read_label_list(tmp_path / 'a.csv', classes) == images


@pytest.mark.parametrize(
    ('images', 'problem'),
    [
        ([ImageLabels('a', ()), ImageLabels('b', ())], 'none of its 2 images has a label'),
        ([ImageLabels('my cat', (1,))], "'my cat' cannot be an id of a list"),
        ([ImageLabels('#1', (1,))], "'#1' cannot be an id of a list"),
    ],
)
def test_lists_that_could_not_be_read_are_not_written(
    tmp_path: Path, images: list[ImageLabels], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        write_label_list(tmp_path / 'a.txt', images)
    with pytest.raises(InputError, match=r"ends in \.txt or \.csv, not in '\.json'"):
        write_label_list(tmp_path / 'a.json', [ImageLabels('a', (0,))])
    assert list(tmp_path.iterdir()) == []
