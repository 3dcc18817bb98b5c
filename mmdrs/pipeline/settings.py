"""The settings of a pipeline: one file for what its stages share and for what they are.

What all stages share (:data:`~mmdrs.apis.shared_settings.SHARED_KEYS`) is applied to each config.
The stage configs of ``configs/custom`` also inherit the rest of the file as a template: they start
with ``_base_ = ['{{$MMDRS_SETTINGS:./settings_custom.py}}', ...]``, an environment variable in
MMEngine's syntax. A settings file may be anywhere, and may inherit from another one by path or as
``mmdrs::custom/settings_custom.py``.
"""

import copy
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from pprint import pformat
from typing import Any

from mmengine.config import Config

from mmdrs.apis import InputError, load_config
from mmdrs.apis.config import merge_options
from mmdrs.apis.shared_settings import SHARED_KEYS
from mmdrs.compat import config_path
from mmdrs.errors import check_keys, did_you_mean
from mmdrs.files import written_whole
from mmdrs.pipeline.stages import Stage, cut_stages, pipeline_stages
from mmdrs.pseudo_labels.rules import LabelRules

#: Keys that the pipeline itself reads.
PIPELINE_KEYS = (
    *('stages', 'pseudo_labels', 'refine_from', 'labels_from', 'segmentation_from'),
    *('self_training', 'work_dir', 'custom_imports'),
)
#: Keys of ``self_training``.
SELF_TRAINING_KEYS = ('rounds', 'scales', 'flip', 'pseudo_labels')
_TEMPLATE = 'mmdrs::custom/settings_custom.py'
#: A key that a config reads from what it inherits.
_READ = re.compile(r"_base_\.(?:get\(')?(\w+)")
#: Keys that MMEngine's and the tools' reading of a config add.
_ADDED = ('launcher',)


class Settings:
    """The settings of one pipeline run.

    Attributes:
        path: The settings file.
        cfg: Its content with the options merged; ``stages`` maps a stage to its config file: a
            name such as ``mmdrs::custom/segmentation_custom.py``, or a path, absolute or
            relative to the settings file.
        stage_options: Options of single stages, by stage name.
        given: Keys of the options that are not of a single stage.
        file: Holds ``cfg``; the stages inherit from it. With options it is temporary until
            :meth:`save` has written another one.
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
        self.path = Path(os.path.realpath(config_path(path)))
        cfg = load_config(self.path)
        stages = cfg.get('stages')
        if 'model' in cfg:  # those of configs/custom inherit `stages` as well
            raise InputError(
                f"'{path}' is the config of one network (it has a `model`), no settings file: "
                f'train it with python tools/train.py {path}, or name it in `stages` of a '
                'settings file'
            )
        if not isinstance(stages, dict):
            raise InputError(
                f"'{path}' holds no `stages`: give a settings file, such as "
                'configs/custom/settings_custom.py'
            )
        added = (key.split('.')[1] for key in options or {} if key.startswith('stages.'))
        stages = {*stages, *added}
        own: dict[str, Any] = {}
        self.stage_options: dict[str, dict[str, Any]] = {}
        # A copy: MMEngine takes `_delete_` out of the dicts that it merges.
        for key, value in copy.deepcopy(dict(options or {})).items():
            stage, _, rest = key.partition('.')
            if stage in stages and rest:
                self.stage_options.setdefault(stage, {})[rest] = value
            else:
                own[key] = value
        self.cfg = load_config(self.path, own)
        self.given = {key.split('.')[0] for key in own}
        self.file = self.path
        if own:  # the stages inherit from a file, which the options must be in
            self._scratch = tempfile.TemporaryDirectory(prefix='mmdrs_settings_')
            self.save(Path(self._scratch.name) / 'settings.py')

    def __getitem__(self, key: str) -> Any:
        if key not in self.cfg:
            raise InputError(f"the settings '{self.path}' have no `{key}`")
        return self.cfg[key]

    def get(self, key: str, default: Any = None) -> Any:
        return self.cfg.get(key, default)

    def values(self) -> dict[str, Any]:
        """The settings as plain values, without what belongs to one call."""
        known = self.cfg.to_dict()
        return {k: v for k, v in known.items() if k not in (*_ADDED, 'work_dir')}

    def save(self, path: Path) -> None:
        """Write the merged settings for the stages to inherit from, and for the record.

        Not by ``Config.dump``, which does not escape the keys of dicts: expressions of layer
        names, such as ``'features\\.1'``, would not all come back.
        """
        values = {
            **self.values(),
            'stages': {stage: str(self.config_file(stage)) for stage in self['stages']},
        }
        lines = [f'{k} = {pformat(v, width=98, sort_dicts=False)}\n' for k, v in values.items()]
        with written_whole(path) as temporary:
            temporary.write_text(''.join(lines), encoding='utf-8')
        self.file = path

    def chosen_stages(self, first: str | None = None, last: str | None = None) -> list[Stage]:
        """The stages to run, by name of the first and the last; None: all of them.

        Raises:
            InputError: If a name or a value of the settings is unknown.
        """
        self_training = self.get('self_training') or {}
        check_keys('self_training', self_training, SELF_TRAINING_KEYS)
        self._check_foreground()
        stages = pipeline_stages(
            self['stages'],
            self.get('refine_from', 'drs_maps'),
            self.get('segmentation_from', 'pretrained'),
            self_training.get('rounds', 0),
            self.get('labels_from', 'refined_maps'),
        )
        return cut_stages(stages, first, last)

    def _check_foreground(self) -> None:
        if 'foreground' not in self['stages']:
            return
        if self.get('saliency_dir'):
            raise InputError(
                f"the settings '{self.path}' give saliency maps twice: saliency_dir and "
                'stages.foreground, which learns them; leave out one (saliency_dir=None)'
            )
        if not LabelRules.from_config(self['pseudo_labels']).background_cue.needs_saliency:
            raise InputError(
                f"the settings '{self.path}': stages.foreground learns saliency maps, which the "
                "cue of `pseudo_labels` does not read; set background_cue=dict(type='saliency'), "
                'or leave out the stage'
            )

    def config_file(self, stage: str) -> str:
        """The config of a stage: a name of an installed config, or an absolute path.

        Raises:
            InputError: If the settings name no config for the stage.
        """
        if stage not in self['stages']:
            raise InputError(
                f"the settings '{self.path}' name no config for {stage!r} in `stages`"
                f'{did_you_mean(stage, self["stages"])}'
            )
        name = str(self['stages'][stage])
        return name if '::' in name else str(self.path.parent / name)

    def stage_config(self, stage: str, work_dir: Path) -> Config:
        """The config of a stage with these settings and the options of the stage.

        Raises:
            InputError: If the settings name no config for the stage.
        """
        cfg = load_config(self.config_file(stage), None, str(work_dir), settings=self.file)
        merge_options(cfg, copy.deepcopy(self.stage_options.get(stage, {})))
        return cfg

    def check_keys(self) -> None:
        """Check that every option reaches a stage, and that every key of the file could.

        A file may hold keys of the template that its own stages do not read, such as those of a
        segmentation network that another config has replaced. Keys that start with an underscore
        are helper variables.

        Raises:
            InputError: If a key is neither shared nor the pipeline's, and no config reads it;
                names a close one.
        """
        read = _keys_read(
            load_config(self.config_file(s), settings=self.file).text for s in self['stages']
        )
        known = {*SHARED_KEYS, *PIPELINE_KEYS, *read}
        folder = Path(config_path(_TEMPLATE)).parent
        template = _keys_read(path.read_text(encoding='utf-8') for path in folder.glob('*.py'))
        for key in self.cfg:
            free = key in _ADDED or key.startswith('_')
            if free or key in known or (key in template and key not in self.given):
                continue
            raise InputError(
                f"the settings '{self.path}': `{key}` reaches no stage, none of their configs "
                f'reads it{did_you_mean(key, known)} (a helper variable starts with an underscore)'
            )


def _keys_read(texts: Iterable[str]) -> set[str]:
    """The keys that configs read from what they inherit."""
    return {name for text in texts for name in _READ.findall(text)}


def load_settings(path: str | Path, options: Mapping[str, Any] | None = None) -> Settings:
    """Read a settings file; see :class:`Settings`."""
    return Settings(path, options)
