"""What ``tools/benchmark.py`` measures: ours beside a plain restatement, in one run."""

from benchmarks.backbones import measure_backbones
from benchmarks.growth import measure_growth
from benchmarks.labels import measure_labels
from benchmarks.layer import measure_layer
from benchmarks.maps import measure_maps
from benchmarks.training import measure_training

#: The parts of the benchmark, each a function of the device and the number of timed runs.
PARTS = dict(
    layer=measure_layer,
    backbones=measure_backbones,
    maps=measure_maps,
    labels=measure_labels,
    train=measure_training,
    growth=measure_growth,
)
