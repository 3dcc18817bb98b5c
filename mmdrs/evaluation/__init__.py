"""Scores of maps, labels and networks: metrics, plain functions, records."""

from .metrics import CRFIoUMetric, LocalizationMetric, PseudoLabelMetric, SegmentationMetric

__all__ = ['CRFIoUMetric', 'LocalizationMetric', 'PseudoLabelMetric', 'SegmentationMetric']
