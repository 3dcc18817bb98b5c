"""Data sets within wrappers."""

from mmdrs.datasets.wrappers import leaf_datasets


def test_leaves_in_order() -> None:
    first, second = dict(type='A'), dict(type='B')
    joined = dict(type='ConcatDataset', datasets=[first, dict(type='R', dataset=second)])
    found = leaf_datasets(dict(type='RepeatDataset', dataset=joined))
    assert found[0] is first and found[1] is second and len(found) == 2
    assert leaf_datasets(first) == [first]
