"""MMSegmentation from image-level labels by Discriminative Region Suppression."""

from mmdrs.dependency_sets import check_dependency_sets

# Before MMEngine is imported: a mixture of two sets may not be importable.
check_dependency_sets()

from mmdrs import compat  # noqa: E402

# Before MMSegmentation is imported, which may fail without the bridges.
compat.apply()

from mmdrs import datasets, engine, evaluation, models  # noqa: E402
from mmdrs.version import __version__  # noqa: E402

__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models']
