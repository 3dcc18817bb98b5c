from .map_loop import LocalizationMapLoop
from .progress_hook import Progress, ProgressHook, format_seconds
from .quiet_runner import QuietRunner
from .schedulers import SteppedPolyLR

__all__ = [
    'LocalizationMapLoop',
    'Progress',
    'ProgressHook',
    'QuietRunner',
    'SteppedPolyLR',
    'format_seconds',
]
