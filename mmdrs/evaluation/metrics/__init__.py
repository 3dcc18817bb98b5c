"""Metrics of MMEngine's test loop."""

from mmdrs.evaluation.metrics.file_metric import FileMetric
from mmdrs.evaluation.metrics.localization_metric import LocalizationMetric
from mmdrs.evaluation.metrics.pseudo_label_metric import PseudoLabelMetric
from mmdrs.evaluation.metrics.segmentation_metric import CRFIoUMetric, SegmentationMetric

__all__ = [
    'CRFIoUMetric',
    'FileMetric',
    'LocalizationMetric',
    'PseudoLabelMetric',
    'SegmentationMetric',
]
