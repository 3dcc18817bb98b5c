"""What limits the pseudo labels of a pipeline run: labels with one part replaced by the truth."""

from limits.measuring import Limits, find_maps, measure_limits
from limits.sweeps import sweep_rules
from limits.tables import limits_content, limits_text

__all__ = [
    'Limits',
    'find_maps',
    'limits_content',
    'limits_text',
    'measure_limits',
    'sweep_rules',
]
