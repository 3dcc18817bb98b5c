"""Many variants of the classifier with DRS, over seeds, against the plain classifier.

A trial is one variant with one seed, a run of the pipeline in ``seed_<n>/<variant>``. The stages
without DRS are made once for a seed, in ``seed_<n>/plain``; the variants' directories link to
them. A variant whose options change those stages too (the learning rate of both classifiers) gets
its own, in ``seed_<n>/plain-<fingerprint>``, and is compared with them.
"""

from ablation.running import run_ablation
from ablation.variants import Variant, read_variants, sweep

__all__ = ['Variant', 'read_variants', 'run_ablation', 'sweep']
