"""Hooks of MMEngine's runner."""

from .drs_schedule_hook import DRSScheduleHook
from .drs_visualization_hook import DRSVisualizationHook
from .foreground_round_hook import ForegroundRoundHook
from .label_correction_hook import LabelCorrectionHook
from .precise_bn_hook import PreciseBNHook
from .progress_hook import ProgressHook
from .results_hook import ResultsHook
from .seed_hook import SeedHook
from .training_guard_hook import TrainingGuardHook
from .whole_checkpoint_hook import WholeCheckpointHook

__all__ = [
    'DRSScheduleHook',
    'DRSVisualizationHook',
    'ForegroundRoundHook',
    'LabelCorrectionHook',
    'PreciseBNHook',
    'ProgressHook',
    'ResultsHook',
    'SeedHook',
    'TrainingGuardHook',
    'WholeCheckpointHook',
]
