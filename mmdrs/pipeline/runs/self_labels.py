"""Stages in which the segmentation network labels the training images itself.

Its class probabilities are stored as localization maps, from which label rules make labels as from
any other maps.
"""

from functools import cached_property
from typing import Any

from mmengine.config import Config

from mmdrs.apis import apply_output, test_model
from mmdrs.apis.shared_settings import without_masks
from mmdrs.errors import InputError
from mmdrs.pipeline.label_rules import self_label_rules
from mmdrs.pipeline.runs.labels import LabelRun
from mmdrs.pipeline.runs.maps import MapRun
from mmdrs.pseudo_labels.rules import LabelRules

#: Of the inputs of the segmentation network, whose probabilities are averaged.
SCALES = (0.75, 1.0, 1.25)


class _SelfRun(LabelRun):
    """What both stages have in common: config, images and rules."""

    @property
    def options(self) -> dict[str, Any]:
        """``self_training`` of the settings with its defaults."""
        return dict(dict(scales=SCALES, flip=True), **self.settings['self_training'])

    @cached_property
    def splits(self) -> dict[str, str]:
        """The training images alone."""
        return {'train': self.settings['train_list'] or ''}

    @cached_property
    def label_rules(self) -> LabelRules:
        return self_label_rules(self.settings)

    @cached_property
    def _config(self) -> Config:
        """The config of the segmentation network, making maps of the training images."""
        cfg = self.settings.stage_config(self.stage.config, self.folder)
        if cfg.get('test_pipeline') is None:
            raise InputError(f"self_training: '{cfg.filename}' has no test_pipeline")
        classifier = self.settings.stage_config('plain_classifier', self.folder)
        dataset = classifier.test_dataloader.dataset
        # The packing step keeps the image labels.
        steps = [
            dict(type='PackDRSInputs') if step['type'] == 'PackSegInputs' else step
            for step in cfg.test_pipeline
        ]
        if not dataset.data_prefix.get('seg_map_path'):
            steps = without_masks(steps)
        cfg.test_dataloader = dict(
            classifier.test_dataloader,
            batch_size=1,
            dataset=dict(dataset, pipeline=steps, ann_file=self.splits['train']),
        )
        cfg.model = dict(
            type='ClassProbabilityTTA',
            module=cfg.model,
            scales=self.options['scales'],
            flip=self.options['flip'],
            merge='mean',
        )
        cfg.test_evaluator = dict(type='LocalizationMetric')
        cfg.test_cfg = dict(type='LocalizationMapLoop')
        return cfg


class SelfMapRun(_SelfRun, MapRun):
    """Stores the probabilities that a segmentation network gives the training images.

    ``self_training`` of the settings: ``rounds``; ``scales`` and ``flip``, the views that are
    averaged, see :class:`~mmdrs.models.tta.ClassProbabilityTTA`; ``pseudo_labels``, the rules of
    the labels, see :func:`~mmdrs.pipeline.label_rules.self_label_rules`.
    """

    def work(self) -> float:
        views = len(self.options['scales'] or (1,)) * (1 + self.options['flip'])
        return float(views * self.count_images())

    def run(self, resume: bool) -> None:
        cfg = self.prepared(self.config())
        apply_output(cfg, str(self.folder / 'train'))
        test_model(cfg, self.checkpoint(self.stage.trained), self.stage.name)


class SelfLabelRun(_SelfRun):
    """Makes labels of the stored probabilities."""
