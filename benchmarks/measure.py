"""Timing several sides of a comparison in turn, and what is reported of it."""

import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmdrs.evaluation.records.provenance import git_revision, package_versions


@dataclass(frozen=True)
class Spread:
    """Several measurements of one quantity: median, least and greatest."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> 'Spread':
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        if self.least == self.greatest:
            return f'{self.median:.4g}'
        return f'{self.median:.4g} ({self.least:.4g} to {self.greatest:.4g})'


@dataclass(frozen=True)
class Row:
    """One figure of the benchmark.

    Attributes:
        part: Part of the benchmark, such as ``layer``.
        what: What was measured.
        unit: Unit of both sides.
        ours: Our side.
        other: The side it is compared with; None where there is none.
        than: What that side is.
        ratio: Ours by the other, of the same runs; None without another side.
        target: What the ratio is to reach, and which way, such as ``'<= 1.10'``; '' is none.
        note: What else must be known to read the figure.
    """

    part: str
    what: str
    unit: str
    ours: Spread
    other: Spread | None = None
    than: str = ''
    ratio: Spread | None = None
    target: str = ''
    note: str = ''

    @property
    def reached(self) -> bool | None:
        """Whether the median ratio reaches the target; None without one."""
        if not self.target or self.ratio is None:
            return None
        relation, number = self.target.split()
        holds = dict(zip(('<=', '>='), (float.__le__, float.__ge__), strict=True))[relation]
        return holds(float(self.ratio.median), float(number))


def compare(
    part: str,
    what: str,
    unit: str,
    ours: Sequence[float],
    other: Sequence[float],
    than: str,
    target: str = '',
    note: str = '',
) -> Row:
    """The row of two sides that were measured in pairs, one value a run."""
    ratios = [a / b for a, b in zip(ours, other, strict=True)]
    return Row(
        part=part,
        what=what,
        unit=unit,
        ours=Spread.of(ours),
        other=Spread.of(other),
        than=than,
        ratio=Spread.of(ratios),
        target=target,
        note=note,
    )


def time_in_turn(
    sides: Mapping[str, Callable[[], Any]], repeats: int, device: torch.device
) -> dict[str, list[float]]:
    """Seconds of each side, one after the other in every repeat, after one run that is not timed.

    Sides that are timed in turn see the same changes of the machine's load and clock.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for repeat in range(repeats + 1):
        for name, run in sides.items():
            synchronize(device)
            start = time.perf_counter()
            run()
            synchronize(device)
            if repeat:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def synchronize(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def training_step(model: nn.Module, images: Tensor) -> None:
    """Forward and backward, gradients of all parameters from all outputs."""
    model.zero_grad()
    found = model(images)
    outputs = found if isinstance(found, (tuple, list)) else (found,)
    sum(output.square().mean() for output in outputs).backward()


def saved_bytes(run: Callable[[], Tensor], parameters: Sequence[Tensor] = ()) -> int:
    """Bytes that a forward pass keeps for its backward pass, each piece of memory once.

    Args:
        run: The forward pass; its output is kept alive until the bytes are counted.
        parameters: Not counted, as they are there anyway.
    """
    known = {parameter.untyped_storage().data_ptr() for parameter in parameters}
    sizes: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = run()
    total = sum(sizes.values())
    del output
    return total


def environment(device: torch.device) -> dict[str, Any]:
    """What the figures depend on beside the code."""
    return dict(
        date=time.strftime('%Y-%m-%d'),
        git_revision=git_revision(),
        processor=_processor(),
        cores=torch.get_num_threads(),
        system=platform.platform(),
        python=platform.python_version(),
        packages=package_versions(),
        device=str(device),
        gpu=torch.cuda.get_device_name(device) if device.type == 'cuda' else None,
        bf16_in_hardware=bf16_in_hardware(device),
    )


def bf16_in_hardware(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 itself, not by way of float32."""
    if device.type == 'cuda':
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return any(name in _cpu_flags() for name in ('amx_bf16', 'avx512_bf16'))


def _cpu_flags() -> str:
    info = Path('/proc/cpuinfo')
    return info.read_text() if info.is_file() else ''


def _processor() -> str:
    names = [line for line in _cpu_flags().splitlines() if line.startswith('model name')]
    return names[0].split(':')[1].strip() if names else platform.processor()


def config_folder() -> Path:
    """The folder of the project's configs."""
    return Path(__file__).parents[1] / 'configs'


def to_json(rows: Sequence[Row], device: torch.device) -> dict[str, Any]:
    """Rows and environment as plain values."""
    return dict(environment=environment(device), rows=[asdict(row) for row in rows])


def to_markdown(rows: Sequence[Row]) -> str:
    """Rows as a table."""
    lines = [
        '| part | what | unit | ours | compared with | | ours / other | asked |',
        '|---|---|---|---:|---|---:|---:|---|',
    ]
    words = {None: '', True: ' (reached)', False: ' (**not reached**)'}
    for row in rows:
        cells = [row.part, row.what, row.unit, row.ours, row.than, row.other, row.ratio]
        cells.append(f'{row.target}{words[row.reached]}')
        lines.append(f'| {" | ".join(str(cell or "-") for cell in cells)} |')
    notes = [f'* {row.part}, {row.what}: {row.note}' for row in rows if row.note]
    if notes:
        lines += ['', *notes]
    return '\n'.join(lines)
