"""Labels in the names of images, as LUAD and BCSS have them."""

import pytest

from mmdrs.errors import InputError


def test_digits_at_the_end_of_the_name(files, detected) -> None:
    names = ['TCGA-A1 x_[1101].png', 'b_[0010].PNG', 'c_[0000].png', 'no label.png']
    root = files({f'train/{name}': b'' for name in names})
    images = {
        'train/TCGA-A1 x_[1101].png': ('tumor', 'stroma', 'necrosis'),
        'train/b_[0010].PNG': ('lymph',),
        'train/c_[0000].png': (),
    }
    classes = ('tumor', 'stroma', 'lymph', 'necrosis')
    assert detected(root, *classes) == ('names', (images, classes))
    assert detected(root)[1][1] == ('class_0', 'class_1', 'class_2', 'class_3')
    with pytest.raises(InputError, match='has labels of 4 classes, but --classes names 3'):
        detected(root, 'a', 'b', 'c')


def test_digits_with_commas(files, detected) -> None:
    root = files({'1009-3-4-[1, 0, 1].png': b''})
    assert detected(root, 'a', 'b', 'c')[1][0] == {'1009-3-4-[1, 0, 1].png': ('a', 'c')}
    files({'2_[10].png': b''})
    with pytest.raises(InputError, match=r'2_\[10\]\.png: has labels of 2 classes, .* of 3'):
        detected(root)
