"""What ties this package to the authors' released code: their checkpoints and their numbers."""

from .checkpoints import FORMATS, Converted, Format, convert, load_converted
from .golden import GoldenFolder
from .parity import ROWS, Row, compare

__all__ = [
    'FORMATS',
    'ROWS',
    'Converted',
    'Format',
    'GoldenFolder',
    'Row',
    'compare',
    'convert',
    'load_converted',
]
