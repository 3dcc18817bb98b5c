"""The stage that scores the segmentation network."""

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from mmengine.config import Config
from mmengine.dist import is_main_process

from mmdrs.apis import apply_output, test_model
from mmdrs.pipeline.label_rules import pseudo_label_rules, self_label_rules
from mmdrs.pipeline.runs.stage_run import StageRun
from mmdrs.pipeline.stages import stage_of
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.rules_file import write_rules


class EvaluationRun(StageRun):
    """Tests through the code of ``tools/test.py``; does nothing without masks."""

    INGREDIENTS: ClassVar[tuple[str, ...]] = (
        *('model', 'test_dataloader', 'test_evaluator', 'test_cfg'),
    )

    @cached_property
    def label_rules(self) -> LabelRules:
        """Those of the labels that the network was trained on."""
        labels = stage_of(stage_of(self.stage.trained).learnt)
        rules = self_label_rules if labels.kind == 'self_labels' else pseudo_label_rules
        return rules(self.settings)

    def score_ingredients(self) -> dict[str, Any]:
        """What the records say of the training, which another text does not repeat."""
        return dict(super().score_ingredients(), rules=self.label_rules.to_config())

    def lists(self) -> list[Path]:
        root = Path(self.settings.get('data_root') or '')
        return [root / config.get('ann_file', '') for config in self.given_datasets()]

    def given_datasets(self) -> list[dict]:
        loader = self.config().get('test_dataloader')
        return [dict(loader.dataset, pipeline=[])] if loader else []

    def run(self, resume: bool) -> None:
        cfg = self.prepared(self.config())
        if cfg.get('test_dataloader') is not None:
            apply_output(cfg, str(self.folder / 'predictions'))
            self._name_labels(cfg)
            test_model(cfg, self.checkpoint(self.stage.trained), self.stage.name)

    def _name_labels(self, cfg: Config) -> None:
        """Put the labels that the network was trained on into its config, for the record.

        They are of the present rules, or the training would be outdated. Their text may be older
        with ``--from evaluation``, so that it is written anew.
        """
        trained = stage_of(self.stage.trained)
        folder = (self.work_dir / trained.learnt / 'train').resolve()
        cfg.train_dataloader.dataset.data_prefix['seg_map_path'] = str(folder)
        if folder.is_dir() and is_main_process():
            write_rules(folder, self.label_rules)
