"""The kinds of values of the settings that all stages share."""

from typing import Any

import pytest

from mmdrs.apis.shared_settings import check_settings
from mmdrs.errors import InputError


@pytest.mark.parametrize(
    ('key', 'value', 'kind'),
    [
        ('seed', 'x', 'a whole number'),
        ('seed', True, 'a whole number'),
        ('batch_size', 2.5, 'a whole number'),
        ('data_root', 2012, 'a text'),
        ('dataset_name', 2012, 'a text'),
        ('skip_broken', 'yes', 'True or False'),
        ('saliency_dir', [], 'a text'),
        ('classes', 'cat', 'a list of texts'),
        ('classes', ['background', 3], 'a list of texts'),
        ('image_suffix', ['.jpg', None], 'a list of texts'),
    ],
)
def test_values_of_another_kind(key: str, value: Any, kind: str) -> None:
    with pytest.raises(InputError, match=rf'^`{key}` \(.*\) must be {kind}, got '):
        check_settings({key: value})


def test_values_that_fit() -> None:
    check_settings({})
    names = ('background', 'cat')
    check_settings(dict(seed=0, data_root='a', classes=names, mask_dir=None, image_suffix='.png'))
    check_settings(dict(classes=list(names), image_suffix=['.jpg', '.png'], other=object()))
