"""The stage that scores the segmentation network."""

from pathlib import Path
from typing import ClassVar

from mmdrs.apis import apply_output, test_model
from mmdrs.pipeline.runs.stage_run import StageRun


class EvaluationRun(StageRun):
    """Tests through the code of ``tools/test.py``; does nothing without masks."""

    INGREDIENTS: ClassVar[tuple[str, ...]] = (
        *('model', 'test_dataloader', 'test_evaluator', 'test_cfg'),
    )

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
            test_model(cfg, self.checkpoint(self.stage.weights), self.stage.name)
