"""MMSegmentation from image-level labels by Discriminative Region Suppression."""

from mmdrs import compat

# Before anything of MMSegmentation is imported: what is bridged is broken at its import.
compat.apply()

from mmdrs import datasets, engine, evaluation, models  # noqa: E402
from mmdrs.version import __version__  # noqa: E402

__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models']
