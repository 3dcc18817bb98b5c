"""The runs of an ablation: which there are, what they share, what is finished of them."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmdrs.apis import InputError
from mmdrs.pipeline.ablation.variants import PLAIN, Variant

# What is finished here must be finished for the pipeline: both ask the same functions.
from mmdrs.pipeline.driver import fingerprints
from mmdrs.pipeline.runs import StageRun
from mmdrs.pipeline.settings import Settings, load_settings
from mmdrs.pipeline.stages import choose_stages
from mmdrs.pipeline.state import StageState

#: The last stage of a run, and those which a variant makes itself.
LAST = 'drs_maps'
DRS_STAGES = ('drs_classifier', 'drs_maps')
#: What building a part of a training may raise because of its config.
_FAILURES = (
    *(AssertionError, AttributeError, ImportError, IndexError, KeyError),
    *(RuntimeError, TypeError, ValueError),
)


@dataclass
class AblationRun:
    """One variant, or a plain classifier, with one seed.

    Attributes:
        label: Name of its row.
        seed: The seed.
        folder: Its work directory.
        settings: Its settings.
        variant: The variant; None is the plain classifier.
        prints: Fingerprints of its stages.
        shared: Stages made elsewhere: the run that makes each.
        plain: Label of the plain classifier it is compared with.
    """

    label: str
    seed: int
    folder: Path
    settings: Settings
    prints: dict[str, str]
    stages: dict[str, StageRun]
    variant: Variant | None = None
    shared: dict[str, 'AblationRun'] = field(default_factory=dict)
    plain: str = PLAIN

    @property
    def own(self) -> list[str]:
        """Names of the stages that it makes itself."""
        kept = [n for n in self.stages if n not in self.shared]
        return [n for n in kept if (n in DRS_STAGES) == (self.variant is not None)]

    @property
    def title(self) -> str:
        return f'{self.label}, seed {self.seed}'

    def finished(self) -> bool:
        """Whether all that it makes is there, and made with the present settings."""
        states = {name: StageState(self.folder / name) for name in self.own}
        return all(s.status(self.prints[name]) == 'finished' for name, s in states.items())

    def seconds(self) -> float:
        """How long its finished stages took."""
        done = [StageState(self.folder / name).done for name in self.own]
        return sum(state['seconds'] for state in done if state)


def plan_runs(
    path: str | Path,
    options: Mapping[str, Any],
    variants: Sequence[Variant],
    seeds: Sequence[int],
    work_dir: Path,
    scratch: Path,
) -> list[AblationRun]:
    """All runs in order: for each seed the plain classifier, then the variants.

    Args:
        path: The settings file.
        options: Changes of the settings that all runs have.
        variants: The variants.
        seeds: The seeds.
        work_dir: Where the runs go.
        scratch: Folder for the settings that the stages' configs inherit from.

    Raises:
        InputError: If an option is unknown or cannot be applied; names the variant.
    """
    runs: list[AblationRun] = []
    for seed in seeds:
        folder = work_dir / f'seed_{seed}'
        base = _plan(path, options, None, seed, folder / PLAIN, scratch)
        plains = {base.prints['plain_maps']: base}
        runs.append(base)
        for variant in variants:
            run = _plan(path, options, variant, seed, folder / variant.name, scratch)
            made_by = run.prints['plain_maps']
            if made_by not in plains:
                plains[made_by] = _own_plain(run, base, folder)
                runs.append(plains[made_by])
            plain = plains[made_by]
            run.plain = plain.label
            names = [name for name in run.stages if name not in DRS_STAGES]
            run.shared = {name: plain.shared.get(name, plain) for name in names}
            runs.append(run)
    return runs


def _plan(
    path: str | Path,
    options: Mapping[str, Any],
    variant: Variant | None,
    seed: int,
    folder: Path,
    scratch: Path,
) -> AblationRun:
    label = variant.name if variant else PLAIN
    with named(label):
        own = {**(variant.options if variant else {}), 'seed': seed}
        settings = load_settings(path, _combined(options, own))
        settings.save(scratch / f'{label}_{seed}.py')
        chosen = choose_stages(settings['stages'], last=LAST)
        stages = {stage.name: StageRun(stage, settings, folder) for stage in chosen}
        prints = fingerprints(stages)
    return AblationRun(label, seed, folder, settings, prints, stages, variant)


def _own_plain(run: AblationRun, base: AblationRun, folder: Path) -> AblationRun:
    """The plain classifier of a variant that changes more than DRS."""
    path = folder / f'{PLAIN}-{run.prints["plain_maps"][:8]}'
    stages = {name: StageRun(s.stage, run.settings, path) for name, s in run.stages.items()}
    label = f'{PLAIN} of {run.label}'
    plain = AblationRun(label, run.seed, path, run.settings, run.prints, stages, plain=label)
    if run.prints.get('pretraining', '') == base.prints.get('pretraining'):
        plain.shared = dict(pretraining=base)
    return plain


def _combined(options: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Options for all runs with those of one, which win also where they set a whole dict."""
    combined = dict(options)
    for name, item in changes.items():
        for key, value in _flat(name, copy.deepcopy(item)):
            combined = {
                k: v for k, v in combined.items() if k != key and not k.startswith(f'{key}.')
            }
            combined[key] = value
    return combined


def _flat(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A nested option as dotted keys, so that it changes what other options leave alone."""
    if not isinstance(value, dict):
        yield key, value
    elif key.split('.')[-1] in ('drs_layers', 'layers'):
        # One choice: the layers of another are not to be mixed in.
        yield key, {**value, '_delete_': True}
    elif not value or '_delete_' in value or any('.' in str(name) for name in value):
        yield key, value
    else:
        for name, item in value.items():
            yield from _flat(f'{key}.{name}', item)


@contextmanager
def named(what: str) -> Iterator[None]:
    """Errors of a config become errors of the user, and say whose config it was."""
    try:
        yield
    except _FAILURES as error:
        reason = error.args[0] if error.args else type(error).__name__
        raise InputError(f'variant {what!r}: {reason}') from error
