"""The trials of an ablation: which there are, what they share, what is finished of them."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablation.variants import PLAIN, Variant
from mmdrs.errors import blamed_on
from mmdrs.pipeline.data_files import DataFiles
from mmdrs.pipeline.runs import StageRun, fingerprints, stage_runs
from mmdrs.pipeline.settings import Settings, load_settings
from mmdrs.stage_state import Fingerprint, StageState

#: Training and maps of a plain classifier, and of a variant.
PLAIN_STAGES = ('plain_classifier', 'plain_maps')
DRS_STAGES = ('drs_classifier', 'drs_maps')


@dataclass
class Trial:
    """One variant with one seed, or a plain classifier: a variant without options of its own.

    ``stages`` end with the maps with DRS; ``planned`` are their fingerprints, whatever is finished
    of them; ``plain`` names the plain classifier that it is compared
    with; ``shared`` are the stages made elsewhere, with the trial that makes each.
    """

    variant: Variant
    seed: int
    settings: Settings
    stages: dict[str, StageRun]
    planned: dict[str, Fingerprint]
    plain: str = PLAIN
    shared: dict[str, 'Trial'] = field(default_factory=dict)

    @property
    def is_plain(self) -> bool:
        return self.variant.name == self.plain

    @property
    def folder(self) -> Path:
        return self.compared[0].work_dir

    @property
    def own(self) -> list[str]:
        """Names of the stages that it makes itself."""
        made = [name for name in self.stages if (name in DRS_STAGES) != self.is_plain]
        return [name for name in made if name not in self.shared]

    @property
    def compared(self) -> list[StageRun]:
        """The training and the maps that are compared with those of other trials."""
        return [self.stages[name] for name in (PLAIN_STAGES if self.is_plain else DRS_STAGES)]

    @property
    def title(self) -> str:
        return f'{self.variant.name}, seed {self.seed}'

    def finished(self) -> bool:
        """Whether all its own stages are finished with the present settings."""
        states = {name: StageState(self.stages[name].folder) for name in self.own}
        prints = fingerprints(self.stages)
        return all(s.status(prints[name]) == 'finished' for name, s in states.items())

    def seconds(self) -> float:
        done = [StageState(self.stages[name].folder).done for name in self.own]
        return sum(state['seconds'] for state in done if state)


def plan_trials(
    path: str | Path,
    options: Mapping[str, Any],
    variants: Sequence[Variant],
    seeds: Sequence[int],
    work_dir: Path,
    scratch: Path,
) -> list[Trial]:
    """All trials in order: for each seed the plain classifier, then the variants.

    ``options`` change the settings of all trials. The stages' configs inherit from files in
    ``scratch``, which must exist for as long as the trials are used.

    Raises:
        InputError: If an option is unknown or cannot be applied; names the variant.
    """

    data = DataFiles()

    def plan(variant: Variant, seed: int) -> Trial:
        with blamed_on(f'variant {variant.name!r}'):
            settings = load_settings(path, _combined(options, {**variant.options, 'seed': seed}))
            settings.save(scratch / f'{variant.name}_{seed}.py')
            settings.check_keys()
            stages = _stages(settings, work_dir / f'seed_{seed}' / variant.name, data)
            # Here, since it reads the configs, and what is wrong there is to be blamed as well.
            return Trial(variant, seed, settings, stages, fingerprints(stages, planned=True))

    trials: list[Trial] = []
    for seed in seeds:
        base = plan(Variant(PLAIN), seed)
        plains = {base.planned['plain_maps']: base}
        trials.append(base)
        for variant in variants:
            trial = plan(variant, seed)
            made_by = trial.planned['plain_maps']
            if made_by not in plains:
                plains[made_by] = _own_plain(trial, base)
                trials.append(plains[made_by])
            plain = plains[made_by]
            trial.plain = plain.variant.name
            names = [name for name in trial.stages if name not in DRS_STAGES]
            trial.shared = {name: plain.shared.get(name, plain) for name in names}
            trials.append(trial)
    return trials


def _stages(settings: Settings, folder: Path, data: DataFiles) -> dict[str, StageRun]:
    runs = stage_runs(settings, folder, data=data)
    chosen = settings.chosen_stages(last=DRS_STAGES[-1])
    return {stage.name: runs[stage.name] for stage in chosen}


def _own_plain(trial: Trial, base: Trial) -> Trial:
    """The plain classifier of a variant that changes more than DRS."""
    name = f'{PLAIN} of {trial.variant.name}'
    folder = f'{PLAIN}-{trial.planned["plain_maps"].scores[:8]}'
    data = trial.stages['plain_maps'].data
    stages = _stages(trial.settings, base.folder.parent / folder, data)
    alike = [stage for stage in stages if trial.planned[stage] == base.planned.get(stage)]
    shared = {stage: base for stage in alike if stage not in DRS_STAGES}
    return Trial(Variant(name), trial.seed, trial.settings, stages, trial.planned, name, shared)


def _combined(options: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Options with the changes of one trial, which win even where they set a whole dict."""
    combined = dict(options)
    for name, item in changes.items():
        for key, value in _flat(name, copy.deepcopy(item)):
            for old in [k for k in combined if k == key or k.startswith(f'{key}.')]:
                del combined[old]
            combined[key] = value
    return combined


def _flat(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A nested option as dotted keys, so that it changes what other options leave alone."""
    if not isinstance(value, dict):
        yield key, value
    elif key.split('.')[-1] in ('drs_layers', 'layers'):
        # The layers are one choice: those of another must not be mixed in.
        yield key, {**value, '_delete_': True}
    elif not value or '_delete_' in value or any('.' in str(name) for name in value):
        yield key, value
    else:
        for name, item in value.items():
            yield from _flat(f'{key}.{name}', item)


def check_trials(trials: Sequence[Trial]) -> None:
    """Build what the trials will train, and look for their data, before any training.

    Raises:
        InputError: If anything is missing or wrong; names the variant.
    """
    # Trials that differ only in their seed are built alike.
    for trial in (trial for trial in trials if trial.seed == trials[0].seed):
        with blamed_on(f'variant {trial.variant.name!r}'):
            for name in trial.own:
                trial.stages[name].check()
    for trial in trials:
        for name in trial.own:
            trial.stages[name].check_data()
