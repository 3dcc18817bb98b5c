from .drs_schedule_hook import DRSScheduleHook
from .drs_visualization_hook import DRSVisualizationHook
from .map_loop import LocalizationMapLoop
from .norm_calibration_hook import NormCalibrationHook
from .progress_hook import Progress, ProgressHook, format_seconds
from .quiet_runner import QuietRunner
from .results_hook import ResultsHook, record_path
from .schedulers import SteppedPolyLR

__all__ = [
    'DRSScheduleHook',
    'DRSVisualizationHook',
    'LocalizationMapLoop',
    'NormCalibrationHook',
    'Progress',
    'ProgressHook',
    'QuietRunner',
    'ResultsHook',
    'SteppedPolyLR',
    'format_seconds',
    'record_path',
]
