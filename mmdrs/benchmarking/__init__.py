"""What ``tools/benchmark.py`` measures: ours beside a plain restatement, in one run."""

from .backbones import measure_backbones
from .growth import measure_growth
from .labels import measure_labels
from .layer import measure_layer
from .maps import measure_maps
from .training import measure_training

#: The parts of the benchmark, each a function of the device and the number of timed runs.
PARTS = dict(
    layer=measure_layer,
    backbones=measure_backbones,
    maps=measure_maps,
    labels=measure_labels,
    train=measure_training,
    growth=measure_growth,
)
