"""Many variants of the classifier with DRS, over seeds, against the plain classifier.

A run is one variant with one seed, in a work directory of the pipeline, ``seed_<n>/<variant>``.
The stages without DRS are made once for a seed, in ``seed_<n>/plain``; the variants' directories
link to them. A variant whose options change those stages too (the learning rate of both
classifiers) gets its own, in ``seed_<n>/plain-<fingerprint>``, and is compared with them.
"""

from .checks import check_runs
from .planning import plan_runs
from .running import run_ablation
from .tables import ablation_table, last_accuracy, make_rows
from .variants import Variant, read_variants, sweep

__all__ = [
    'Variant',
    'ablation_table',
    'check_runs',
    'last_accuracy',
    'make_rows',
    'plan_runs',
    'read_variants',
    'run_ablation',
    'sweep',
]
