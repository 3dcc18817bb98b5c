"""Dicts of label vectors as a source; damaged and hostile ones are in test_npy_vectors.py."""

import numpy as np
import pytest

from mmdrs.errors import InputError


def test_vectors(files, detected) -> None:
    root = files({})
    vectors = {'2007_000032': np.array([1, 0, 1], 'f4'), 'b': np.zeros(3, 'f4')}
    np.save(root / 'cls_labels.npy', vectors, allow_pickle=True)
    assert detected(root / 'cls_labels.npy', 'cat', 'sea lion', 'dog') == (
        'npy',
        ({'2007_000032': ('cat', 'dog'), 'b': ()}, ('cat', 'sea lion', 'dog')),
    )
    assert detected(root)[1][1] == ('class_0', 'class_1', 'class_2')
    with pytest.raises(InputError, match="entry '2007_000032': expected 2 numbers"):
        detected(root, 'cat', 'dog')
