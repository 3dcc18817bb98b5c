"""What ``tools/benchmark.py`` measures: ours beside a plain restatement, in one run."""

from .growth import measure_growth
from .layer import measure_layer
from .maps import measure_maps

#: The parts of the benchmark, each a function of the device and the number of timed runs.
PARTS = dict(layer=measure_layer, maps=measure_maps, growth=measure_growth)
