"""Metrics of MMEngine's test loop."""

from .crf_iou_metric import CRFIoUMetric
from .localization_metric import LocalizationMetric
from .pseudo_label_metric import PseudoLabelMetric
from .segmentation_metric import SegmentationMetric

__all__ = ['CRFIoUMetric', 'LocalizationMetric', 'PseudoLabelMetric', 'SegmentationMetric']
