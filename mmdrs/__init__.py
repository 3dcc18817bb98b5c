"""MMSegmentation from image-level labels by Discriminative Region Suppression."""

from mmdrs.dependency_sets import check_dependency_sets

# Before anything of MMEngine is imported: a mixture of two sets may not even be importable.
check_dependency_sets()

from mmdrs import compat  # noqa: E402

# Before anything of MMSegmentation is imported: what is bridged is broken at its import.
compat.apply()

from mmdrs import datasets, engine, evaluation, models  # noqa: E402
from mmdrs.version import __version__  # noqa: E402

__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models']
