"""Many variants of the classifier with DRS, over seeds, against the plain classifier.

A run is one variant with one seed, in a work directory of the pipeline, ``seed_<n>/<variant>``.
The stages without DRS are made once for a seed, in ``seed_<n>/plain``; the variants' directories
link to them. A variant whose options change those stages too (the learning rate of both
classifiers) gets its own, in ``seed_<n>/plain-<fingerprint>``, and is compared with them.
"""

from mmdrs.pipeline.ablation.checks import check_runs
from mmdrs.pipeline.ablation.planning import plan_runs
from mmdrs.pipeline.ablation.running import run_ablation
from mmdrs.pipeline.ablation.tables import ablation_table, last_accuracy, make_rows
from mmdrs.pipeline.ablation.variants import Variant, read_variants, sweep

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
