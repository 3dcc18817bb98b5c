"""What ``tools/benchmark.py`` measures: ours beside a plain restatement, in one run."""

from .layer import measure_layer

#: The parts of the benchmark, each a function of the device and the number of timed runs.
PARTS = dict(layer=measure_layer)
