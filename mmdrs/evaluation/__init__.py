from .localization_metric import LocalizationMetric
from .pseudo_label_metric import PseudoLabelMetric

__all__ = ['LocalizationMetric', 'PseudoLabelMetric']
