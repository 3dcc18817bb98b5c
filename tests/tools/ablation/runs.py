"""Ablations for tests: two controls with two seeds on six tiny images."""

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path

from ablation import Variant, run_ablation, sweep
from ablation.results import VariantResult
from mmdrs.cli.options import OptionsAction
from mmdrs.pipeline import load_settings
from tests.pipeline_runs import SETTINGS, tiny_options

SEEDS = (0, 1)
# No maps of a second list; a `pretraining`, the stage that all others start from.
SHORT = ('val_list=', 'classifier_epochs=1', 'pretraining.train_cfg.max_epochs=1')
SHORT += ('stages.pretraining=pretraining_custom.py',)


def options_of(data: Path) -> dict:
    parser = argparse.ArgumentParser()
    parser.add_argument('--options', nargs='+', action=OptionsAction)
    return parser.parse_args(['--options', *tiny_options(data), *SHORT]).options


def variants_of(data: Path) -> list[Variant]:
    return sweep(load_settings(SETTINGS, options_of(data)), deltas=(0.4, 0.8))


def ablate(
    data: Path,
    work_dir: Path,
    variants: Sequence[Variant] | None = None,
    seeds: Sequence[int] = SEEDS,
) -> list[VariantResult]:
    variants = variants_of(data) if variants is None else variants
    return run_ablation(SETTINGS, options_of(data), variants, seeds, work_dir)


def made(work_dir: Path) -> dict[str, int]:
    """Modification times of all weights and maps; what is linked counts once."""
    found = {}
    for folder, _, names in os.walk(work_dir, followlinks=False):
        for path in (Path(folder) / name for name in names if name.endswith(('.pth', '.npz'))):
            found[str(path.relative_to(work_dir))] = path.stat().st_mtime_ns
    return found


def tables(text: str) -> list[dict[str, str]]:
    """The rows of all Markdown tables, by heading."""
    found, head = [], None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split('|')[1:-1]]
        if not cells:
            head = None
        elif head is None:
            head = cells
        elif not re.fullmatch(r'[-: ]+', cells[0]):
            found.append(dict(zip(head, cells, strict=True)))
    return found
