"""What MMEngine's runner runs: hooks, loops, schedulers."""

from .hooks import (
    DRSScheduleHook,
    DRSVisualizationHook,
    ForegroundRoundHook,
    LabelCorrectionHook,
    PreciseBNHook,
    ProgressHook,
    ResultsHook,
    SeedHook,
    TrainingGuardHook,
    WholeCheckpointHook,
)
from .hooks.progress_hook import Progress, format_seconds
from .hooks.results_hook import record_path
from .loops import LocalizationMapLoop
from .optimizers import Bfloat16OptimWrapper
from .runner import QuietRunner
from .schedulers import SteppedPolyLR

__all__ = [
    'Bfloat16OptimWrapper',
    'DRSScheduleHook',
    'DRSVisualizationHook',
    'ForegroundRoundHook',
    'LabelCorrectionHook',
    'LocalizationMapLoop',
    'PreciseBNHook',
    'Progress',
    'ProgressHook',
    'QuietRunner',
    'ResultsHook',
    'SeedHook',
    'SteppedPolyLR',
    'TrainingGuardHook',
    'WholeCheckpointHook',
    'format_seconds',
    'record_path',
]
