"""What is checked of an ablation before hours are spent."""

import inspect
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope, Registry
from mmseg.registry import HOOKS, LOOPS, MODELS, PARAM_SCHEDULERS, TRANSFORMS

from mmdrs.apis import InputError
from mmdrs.apis.quiet import quiet_log
from mmdrs.pipeline.ablation.planning import AblationRun, named
from mmdrs.pipeline.driver import check_inputs


def check_runs(runs: Sequence[AblationRun]) -> None:
    """Build what the runs will train, and look for their data, before hours are spent.

    Raises:
        InputError: If anything is missing or wrong; names the variant.
    """
    check_inputs([run.stages[name] for run in runs for name in run.own])
    # Runs that differ in their seed alone are built alike.
    for run in (run for run in runs if run.seed == runs[0].seed):
        for name in run.own:
            with named(run.label), quiet_log():
                if run.stages[name].stage.kind == 'train':
                    check_training(run.stages[name].config())
                else:
                    run.stages[name].check_cue()


def check_training(cfg: Config) -> None:
    """Build the parts of a training whose options may be wrong."""
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmseg')):
        model = MODELS.build(cfg.model)
        optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
        schedulers = cfg.get('param_scheduler') or []
        for config in [schedulers] if isinstance(schedulers, dict) else schedulers:
            _check_scheduler(dict(config), optimizer)
        for config in cfg.train_dataloader.dataset.get('pipeline', []):
            TRANSFORMS.build(config)
        for config in cfg.default_hooks.values():
            _check_arguments(HOOKS, config, 'priority')
        for config in cfg.get('custom_hooks') or []:
            _check_arguments(HOOKS, config, 'priority')
            # Their values too; one that asks for the runner's visualiser is left to the runner.
            with suppress(RuntimeError):
                HOOKS.build({k: v for k, v in config.items() if k != 'priority'})
        if 'type' in cfg.train_cfg:  # else the runner chooses one
            _check_arguments(LOOPS, {**cfg.train_cfg, 'runner': None, 'dataloader': None})


def _check_arguments(registry: Registry, config: Mapping[str, Any], *others: str) -> None:
    """Check the names of arguments where a part cannot be built without its runner."""
    kind = registry.get(config['type'])
    if kind is None:
        raise InputError(f'there is no {config["type"]!r} among the {registry.name}s')
    inspect.signature(kind).bind(**{k: v for k, v in config.items() if k not in ('type', *others)})


def _check_scheduler(config: dict[str, Any], optimizer: Any) -> None:
    kind = PARAM_SCHEDULERS.get(config['type'])
    if kind is None:
        raise InputError(f'there is no {config["type"]!r} among the parameter schedulers')
    if config.pop('convert_to_iter_based', False):
        # How long an epoch is does not matter for the check.
        config = dict(config, epoch_length=100)
        kind = kind.build_iter_from_epoch
    kind(optimizer=optimizer, **{k: v for k, v in config.items() if k != 'type'})
