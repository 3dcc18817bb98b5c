"""Uploads for the evaluation server of PASCAL VOC 2012: packed from predictions, and checked.

The server wants a tar archive of ``results/VOC2012/Segmentation/<challenge>_test_cls/<id>.png``:
palette PNGs of the size of their image, whose values are classes.
"""

from mmdrs.reporting.voc_server.archive_tree import CHALLENGES, Faults, submission_folder
from mmdrs.reporting.voc_server.checking import check_submission, submission_faults
from mmdrs.reporting.voc_server.packing import (
    TEST_IMAGES,
    pack_submission,
    read_sizes,
    read_test_ids,
    unlisted,
)

__all__ = [
    'CHALLENGES',
    'TEST_IMAGES',
    'Faults',
    'check_submission',
    'pack_submission',
    'read_sizes',
    'read_test_ids',
    'submission_faults',
    'submission_folder',
    'unlisted',
]
