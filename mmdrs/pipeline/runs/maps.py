"""Stages that make localization maps."""

from typing import Any, ClassVar

from mmdrs.apis import apply_output, test_model
from mmdrs.pipeline.runs.labels import LabelRun, without_scoring


class MapRun(LabelRun):
    """Makes the maps of every split, scores them, and scores the labels that they would give.

    The labels are left out where they need saliency maps that are learned from the maps.
    """

    INGREDIENTS: ClassVar[tuple[str, ...]] = ('model', 'test_dataloader', 'test_cfg')

    def ingredients(self) -> dict[str, Any]:
        """Without what only scores depend on: other label rules or masks make no other maps."""
        parts = super(LabelRun, self).ingredients()
        return without_scoring(parts, 'seg_map_path', 'saliency_path', 'segments_path')

    def score_ingredients(self) -> dict[str, Any]:
        evaluator = self.config().to_dict().get('test_evaluator')
        return dict(super().score_ingredients(), evaluator=evaluator)

    def file_kinds(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return ('img_path',), sum(super().file_kinds(), ())

    def work(self) -> float:
        scales = self.config().test_cfg.get('scales') or (1,)
        return float(len(scales) * sum(map(self.count_images, self.splits)))

    def run(self, resume: bool) -> None:
        for split in self.splits:
            cfg = self.prepared(self.split_config(split), f' ({split})')
            apply_output(cfg, str(self.folder / split))
            test_model(cfg, self.checkpoint(self.stage.trained), self.stage.name)
            if self.can_fuse:
                self.fuse(split, self.folder / split, None, f'scoring {split} labels')
