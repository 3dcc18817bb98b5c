from .crf_iou_metric import CRFIoUMetric
from .localization_metric import LocalizationMetric
from .pseudo_label_metric import PseudoLabelMetric

__all__ = ['CRFIoUMetric', 'LocalizationMetric', 'PseudoLabelMetric']
