"""Losses for ``loss_decode`` of MMSegmentation's heads, for labels that are wrong in part."""

from .label_correction_loss import LabelCorrectionLoss
from .response_scaling_loss import ResponseScalingLoss

__all__ = ['LabelCorrectionLoss', 'ResponseScalingLoss']
