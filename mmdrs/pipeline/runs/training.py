"""Stages that train a network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from mmdrs.apis import train_model
from mmdrs.apis.prediction.config import add_inference
from mmdrs.errors import InputError, blamed_on
from mmdrs.files import file_digest
from mmdrs.pipeline.runs.choice import read_choice
from mmdrs.pipeline.runs.stage_run import StageRun
from mmdrs.pipeline.runs.training_checks import check_training
from mmdrs.pipeline.stages import stage_of
from mmdrs.stage_state import Fingerprint, StageState


class TrainingRun(StageRun):
    """Trains through the code of ``tools/train.py``."""

    INGREDIENTS: ClassVar[tuple[str, ...]] = (
        *('model', 'train_dataloader', 'optim_wrapper', 'param_scheduler', 'train_cfg'),
        *('randomness', 'load_from', 'default_hooks', 'custom_hooks'),
    )

    def lists(self) -> list[Path]:
        return super().lists()[:1]

    def product(self, made: Fingerprint, inputs: Sequence[str]) -> str:
        """Its weights, once they are trained: trained anew or replaced, they are others."""
        if StageState(self.folder).status(made) != 'finished':
            return made.files
        return file_digest(self.weights())

    def weights(self) -> Path:
        return Path(self.checkpoint(self.stage.name))

    def score_ingredients(self) -> dict[str, Any]:
        return {}

    def given_datasets(self) -> list[dict]:
        if self.stage.source:
            return []
        return [dict(self.config().train_dataloader.dataset, pipeline=[])]

    def check(self) -> None:
        super().check()
        # A list that is missing is named when the data sets are checked.
        images = self.count_images() if self.lists()[0].exists() else None
        with blamed_on(f'stage {self.stage.name}'):
            self._check_backbone()
            check_training(self.config(), images, initialised=not self.stage.weights)

    def _check_backbone(self) -> None:
        """Check that its backbone is that of the stage whose backbone it takes."""
        if not self.stage.backbone_only or not self.stage.weights:
            return
        start = self.settings.stage_config(stage_of(self.stage.weights).config, self.folder)
        own, theirs = (str(cfg.model.backbone.type) for cfg in (self.config(), start))
        if own != theirs:
            source = self.stage.weights
            others = '' if source == 'pretraining' else ', or segmentation_from=pretrained'
            raise InputError(
                f'its backbone is a {own}, but that of {source}, from which it starts, is a '
                f'{theirs}: choose configs of one backbone{others}'
            )

    def work(self) -> float:
        """Forward and backward take three times as long as forward."""
        cfg = self.config()
        if cfg.train_cfg.get('max_iters'):
            return 3.0 * cfg.train_dataloader.batch_size * cfg.train_cfg.max_iters
        return 3.0 * self.count_images() * cfg.train_cfg.max_epochs

    def run(self, resume: bool) -> None:
        cfg = self.prepared(self.config())
        if self.stage.weights and self.stage.backbone_only:
            cfg.model.backbone.init_cfg = dict(
                type='Pretrained',
                checkpoint=self.checkpoint(self.stage.weights),
                prefix='backbone.',
            )
        elif self.stage.weights:
            cfg.load_from = self.checkpoint(self.stage.weights)
        if self.stage.source:
            source = self._source()
            key = 'map_path' if source.endswith('_maps') else 'seg_map_path'
            folder = self.work_dir / source / 'train'
            cfg.train_dataloader.dataset.data_prefix[key] = str(folder.resolve())
        add_inference(cfg)  # after the fingerprint: it changes nothing that is trained
        train_model(cfg, resume=resume)

    def sources(self) -> set[str]:
        if self.stage.source != 'map_choice':
            return super().sources()
        chosen = (self.work_dir / 'map_choice' / 'choice.json').is_file()
        return {self._source()} if chosen else set()

    def _source(self) -> str:
        """The stage whose maps or labels it learns."""
        if self.stage.source == 'map_choice':
            return read_choice(self.work_dir / 'map_choice')['chosen']
        return self.stage.learnt
