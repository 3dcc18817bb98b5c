"""The settings of a pipeline: one config file whose values the stages' configs inherit.

A stage's config starts with ``_base_ = ['{{$MMDRS_SETTINGS:./settings_custom.py}}', ...]``, an
environment variable in MMEngine's syntax: without it the config takes the settings beside it, and
the pipeline points it at the settings it was given (with the options of its command line).
"""

import copy
from collections.abc import Mapping
from pathlib import Path
from pprint import pformat
from typing import Any

from mmengine.config import Config

from mmdrs.apis import InputError, load_config
from mmdrs.errors import did_you_mean
from mmdrs.files import written_whole


class Settings:
    """The settings of one pipeline run.

    Attributes:
        cfg: The settings file with the options merged; ``stages`` maps a stage's name to its
            config file, relative to the settings file.
        stage_options: Options of single stages, by stage name.
        file: Where :meth:`save` has written ``cfg``; the stages inherit from there.
    """

    def __init__(self, path: str | Path, options: Mapping[str, Any] | None = None) -> None:
        """Read a settings file.

        Args:
            path: The settings file.
            options: Overrides: ``key=value`` of the settings, or ``STAGE.key=value`` of one
                stage's config.

        Raises:
            InputError: If an option's key is unknown, or the file has no ``stages``.
        """
        self.path = Path(path).resolve()
        stages = load_config(str(path)).get('stages')
        if not isinstance(stages, dict):
            raise InputError(
                f"'{path}' holds no `stages`: give a settings file, such as "
                'configs/custom/settings_custom.py'
            )
        own: dict[str, Any] = {}
        self.stage_options: dict[str, dict[str, Any]] = {}
        # A copy: MMEngine takes `_delete_` out of the dicts that it merges.
        for key, value in copy.deepcopy(dict(options or {})).items():
            stage, _, rest = key.partition('.')
            if stage in stages and rest:
                self.stage_options.setdefault(stage, {})[rest] = value
            else:
                own[key] = value
        self.cfg = load_config(str(path), own)
        self.file = self.path

    def __getitem__(self, key: str) -> Any:
        if key not in self.cfg:
            raise InputError(f"the settings '{self.path}' have no `{key}`")
        return self.cfg[key]

    def get(self, key: str, default: Any = None) -> Any:
        return self.cfg.get(key, default)

    def save(self, path: Path) -> None:
        """Write the merged settings for the stages to inherit from, and for the record.

        Not by ``Config.dump``, which does not escape the keys of dicts: expressions of layer
        names, such as ``'features\\.1'``, would not all come back.
        """
        merged = {k: v for k, v in self.cfg.to_dict().items() if k not in ('launcher', 'work_dir')}
        lines = [f'{k} = {pformat(v, width=98, sort_dicts=False)}\n' for k, v in merged.items()]
        with written_whole(path) as temporary:
            temporary.write_text(''.join(lines), encoding='utf-8')
        self.file = path

    def stage_config(self, stage: str, options: Mapping[str, Any], work_dir: Path) -> Config:
        """The config of a stage with these settings, the stage's options, and ``options``.

        Raises:
            InputError: If the settings name no config for the stage.
        """
        if stage not in self['stages']:
            raise InputError(
                f"the settings '{self.path}' name no config for {stage!r} in `stages`"
                f'{did_you_mean(stage, self["stages"])}'
            )
        path = self.path.parent / self['stages'][stage]
        merged = {**self.stage_options.get(stage, {}), **options}
        return load_config(path, merged, str(work_dir), settings=self.file)


def load_settings(path: str | Path, options: Mapping[str, Any] | None = None) -> Settings:
    """Read a settings file; see :class:`Settings`."""
    return Settings(path, options)
