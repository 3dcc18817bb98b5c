"""Stages that label the training images with the segmentation network itself."""

import math
from pathlib import Path
from typing import Any, ClassVar

from mmengine.config import Config
from mmengine.dist import is_main_process

from mmdrs.apis import apply_output, test_model
from mmdrs.apis.config import apply_tta
from mmdrs.apis.shared_settings import without_masks
from mmdrs.errors import InputError
from mmdrs.evaluation.metrics import SelfLabelMetric
from mmdrs.pipeline.runs.stage_run import StageRun
from mmdrs.pseudo_labels.rules_file import write_rules


class SelfLabelRun(StageRun):
    """Writes the labels that a segmentation network gives the training images.

    Unlike the pseudo labels they need no saliency maps: the network has learned from all images
    together where objects end. ``self_training`` of the settings: ``rounds``; ``threshold``, the
    least probability of a label; ``tta``, whether it tests with the config's augmentation.
    """

    INGREDIENTS: ClassVar[tuple[str, ...]] = ('model', 'test_pipeline', 'tta_pipeline')

    def check(self) -> None:
        super().check()
        SelfLabelMetric(threshold=self.options['threshold'])

    @property
    def options(self) -> dict[str, Any]:
        """``self_training`` of the settings with its defaults."""
        return dict(dict(threshold=0.7, tta=True), **self.settings['self_training'])

    def ingredients(self) -> dict[str, Any]:
        options = {k: v for k, v in self.options.items() if k != 'rounds'}
        return dict(super().ingredients(), options=options)

    def lists(self) -> list[Path]:
        return super().lists()[:1]

    def given_datasets(self) -> list[dict]:
        loader = self._image_label_config().test_dataloader
        return [dict(loader.dataset, pipeline=[], ann_file=self.splits['train'])]

    def work(self) -> float:
        return float(self._views() * self.count_images())

    def _views(self) -> int:
        """Views of an image that the network is run on."""
        steps = self.config().get('tta_pipeline') or [] if self.options['tta'] else []
        branches = [step['transforms'] for step in steps if step['type'] == 'TestTimeAug']
        return math.prod(len(branch) for transforms in branches for branch in transforms)

    def run(self, resume: bool) -> None:
        out_dir = self.folder / 'train'
        cfg = self.prepared(self._test_config())
        if self.options['tta']:
            apply_tta(cfg)
            cfg.model.type = 'ProbabilityTTA'
        apply_output(cfg, str(out_dir))
        test_model(cfg, self.checkpoint(self.stage.weights), self.stage.name)
        if is_main_process():
            write_rules(out_dir, self.label_rules)

    def _image_label_config(self) -> Config:
        return self.settings.stage_config('plain_classifier', self.folder)

    def _test_config(self) -> Config:
        """The config of the segmentation network, testing the training images."""
        cfg, (dataset,) = self.config(), self.given_datasets()
        if cfg.get('test_pipeline') is None:
            raise InputError(f"self_training: '{cfg.filename}' has no test_pipeline")
        scored = bool(dataset['data_prefix'].get('seg_map_path'))
        for name in ('test_pipeline', 'tta_pipeline'):
            if cfg.get(name) is not None:
                steps = _with_labels(cfg[name])
                cfg[name] = steps if scored else without_masks(steps)
        cfg.test_dataloader = dict(
            self._image_label_config().test_dataloader,
            batch_size=1,
            dataset=dict(dataset, pipeline=cfg.test_pipeline),
        )
        threshold = self.options['threshold']
        cfg.test_evaluator = dict(
            type='SelfLabelMetric', threshold=threshold, format_only=not scored
        )
        cfg.test_cfg = dict(type='TestLoop')
        return cfg


def _with_labels(steps: Any) -> Any:
    """A pipeline whose packing step keeps the image labels, also within ``TestTimeAug``."""
    if isinstance(steps, (list, tuple)):
        return type(steps)(_with_labels(step) for step in steps)
    if not isinstance(steps, dict):
        return steps
    changed = {key: _with_labels(value) for key, value in steps.items()}
    return dict(type='PackDRSInputs') if changed.get('type') == 'PackSegInputs' else changed
