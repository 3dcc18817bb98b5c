from mmdrs.visualization.contact_sheet import (
    contact_sheet,
    heat_map,
    label_colours,
    label_overlay,
)
from mmdrs.visualization.writing import CORNER, legend, written_on

__all__ = [
    'CORNER',
    'contact_sheet',
    'heat_map',
    'label_colours',
    'label_overlay',
    'legend',
    'written_on',
]
