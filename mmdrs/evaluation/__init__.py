"""Scores of maps, labels and networks: metrics, plain functions, records."""

from mmdrs.evaluation.metrics import (
    CRFIoUMetric,
    FileMetric,
    LocalizationMetric,
    PseudoLabelMetric,
    SegmentationMetric,
)

__all__ = [
    'CRFIoUMetric',
    'FileMetric',
    'LocalizationMetric',
    'PseudoLabelMetric',
    'SegmentationMetric',
]
