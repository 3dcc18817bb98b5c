"""Places in a backbone where DRS can go: found, chosen by name, described.

A place is a module that runs once in a forward, or one run of a module that runs several times:
``layer1.0.relu@2`` is the second run of ``layer1.0.relu``.
"""

import difflib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from mmcv.cnn import Swish
from torch import Tensor, nn

from mmdrs.errors import InputError
from mmdrs.models.layers.drs import Layout, channel_axis

# Without gates: the sigmoid of an attention is a factor, not a feature.
_ACTIVATIONS = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU),
    *(nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish, Swish),
)


@dataclass(frozen=True)
class Run:
    """One run of a module in a forward.

    Attributes:
        shape: Of its output; None where that is no tensor.
        kind: Name of the output's type.
        rectified: Whether the output has no negative value.
        overwritten: Whether a later operation writes into the output (``inplace=True``).
    """

    shape: tuple[int, ...] | None
    kind: str
    rectified: bool
    overwritten: bool


def runs_of(backbone: nn.Module, input_shape: Sequence[int]) -> dict[str, list[Run]]:
    """What every module of a backbone returns in one forward of noise, run by run.

    The backbone is left as it was, modes and statistics included.

    Args:
        input_shape: Channels, height and width of the noise.
    """
    modules = {name: module for name, module in backbone.named_modules() if name}
    found: dict[str, list[_Seen]] = {name: [] for name in modules}
    handles = [m.register_forward_hook(partial(_record, found[n])) for n, m in modules.items()]
    training = {module: module.training for module in backbone.modules()}
    parameter = next(backbone.parameters(), torch.zeros(()))
    noise = torch.randn((1, *input_shape), generator=torch.Generator().manual_seed(0))
    backbone.eval()
    try:
        with torch.no_grad():
            backbone(noise.to(parameter))
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in training.items():
            module.training = mode
    return {name: [seen.run() for seen in runs] for name, runs in found.items()}


def place_names(runs: dict[str, list[Run]]) -> list[str]:
    """Names of all places: ``name``, or ``name@k`` for each of several runs."""
    return [
        name if len(seen) == 1 else f'{name}@{number}'
        for name, seen in runs.items()
        for number in range(1, len(seen) + 1)
    ]


def split_place(place: str) -> tuple[str, int | None]:
    """Module name and number of the run, None where none is named."""
    name, at, number = place.partition('@')
    return name, int(number) if at else None


def match_places(backbone: nn.Module, patterns: Iterable[str], places: Sequence[str]) -> list[str]:
    """The places that names or regular expressions mean, in the order of the forward's modules.

    An exact name goes before an expression. A module that runs several times is only meant by
    ``name@k``.

    Raises:
        ValueError: If a pattern matches nothing (close names are listed), or a module that does
            not run exactly once.
    """
    modules = {name for name, _ in backbone.named_modules() if name}
    names = list(dict.fromkeys([*places, *modules]))
    chosen: set[str] = set()
    for pattern in patterns:
        matched = (
            {pattern} & set(names)
            or {place for place in places if _fits(pattern, place)}
            or {name for name in names if _fits(pattern, name)}  # for the message below
        )
        if not matched:
            close = difflib.get_close_matches(pattern, names, n=5, cutoff=0.3)
            raise InputError(
                f'DRSBackbone: {pattern!r} matches no module of {type(backbone).__name__}; '
                f'close names: {close or names[:8]}'
            )
        chosen |= matched
    unfit = sorted(chosen - set(places))
    if unfit:
        raise InputError(_unfit(unfit[0], places))
    return [place for place in places if place in chosen]


def _fits(pattern: str, name: str) -> bool:
    # `layer1\.0\.relu` must not mean each of its runs by accident.
    try:
        return ('@' in pattern) == ('@' in name) and re.fullmatch(pattern, name) is not None
    except re.error as error:
        raise InputError(f'DRSBackbone: {pattern!r} is no regular expression ({error})') from error


def _unfit(name: str, places: Sequence[str]) -> str:
    several = [place for place in places if place.startswith(f'{name}@')]
    if several:
        return (
            f'DRSBackbone: {name!r} runs {len(several)} times per forward; name one of its runs, '
            f'{several[0]} to {several[-1]}, or the block that calls it'
        )
    return f'DRSBackbone: {name!r} runs 0 times per forward; choose another module'


@dataclass
class _Seen:
    """An output as it left its module; whether it is overwritten is known after the forward."""

    output: object
    rectified: bool = False
    version: int = 0

    def run(self) -> Run:
        if not isinstance(self.output, Tensor):
            return Run(None, type(self.output).__name__, False, False)
        overwritten = self.output._version != self.version
        return Run(tuple(self.output.shape), 'tensor', self.rectified, overwritten)


def _record(seen: list[_Seen], module: nn.Module, inputs: tuple, output: object) -> None:
    """Forward hook: note what a module returns."""
    if isinstance(output, Tensor):
        seen.append(_Seen(output, bool((output >= 0).all()), output._version))
    else:
        seen.append(_Seen(output))


@dataclass(frozen=True)
class Place:
    """A place as it is shown to users.

    Attributes:
        name: With ``@k`` for one of several runs.
        kind: Class of the module.
        shape: Of its output.
        layout: Layout of the DRS layer that fits there.
        rectified: Whether the output has no negative value; elsewhere ``rectify=False`` keeps
            what is negative.
        usual: Whether it is worth a look: a stage (a module of the backbone itself that holds
            others), a block (one of a list, ``layer1.0``, that holds others and is no mere
            sequence of layers) or an activation, with more than one position. Convolutions, norms,
            gates and a block's other parts are none of them.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    layout: Layout
    rectified: bool
    usual: bool


def describe_places(
    backbone: nn.Module, runs: dict[str, list[Run]], larger: dict[str, list[Run]]
) -> list[Place]:
    """The places where DRS can go, in the order of the modules.

    Left out are outputs that are no features of a whole image, (1, C, H, W) or (1, L, C), such as
    tuples or the windows of Swin, and the runs of a module with parameters that runs several
    times.

    Args:
        runs: What :func:`runs_of` found.
        larger: The same with a larger input. It shows channels-last maps (1, H, W, C): the
            first axis of positions grows, that of channels does not.
    """
    modules = dict(backbone.named_modules())
    places = []
    for place in place_names(runs):
        name, number = split_place(place)
        module, run = modules[name], runs[name][(number or 1) - 1]
        shape = run.shape
        if shape is None or not _can_hold(module, run, number):
            continue
        layout = _layout(shape, larger[name][(number or 1) - 1].shape or shape)
        positions = math.prod(shape) // shape[channel_axis(layout)]
        usual = positions > 1 and _is_usual(name, module)
        kind = type(module).__name__
        places.append(Place(place, kind, shape, layout, run.rectified, usual))
    return places


def _layout(shape: tuple[int, ...], of_larger: tuple[int, ...]) -> Layout:
    if len(shape) == 3:
        return 'nlc'
    return 'nchw' if shape[1] == of_larger[1] else 'nhwc'


def _can_hold(module: nn.Module, run: Run, number: int | None) -> bool:
    fits = run.shape is not None and len(run.shape) in (3, 4) and run.shape[0] == 1
    return fits and (number is None or next(module.parameters(), None) is None)


def _is_usual(name: str, module: nn.Module) -> bool:
    if next(module.children(), None) is None:
        return isinstance(module, _ACTIVATIONS)
    parent, _, last = name.rpartition('.')
    return not parent or (last.isdigit() and not _is_plain(module))


def _is_plain(module: nn.Module) -> bool:
    """Whether it is a sequence of single layers, such as one step of a transformer's FFN."""
    single = all(next(child.children(), None) is None for child in module.children())
    return isinstance(module, nn.Sequential) and single
