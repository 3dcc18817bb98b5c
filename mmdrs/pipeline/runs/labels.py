"""Stages that fuse stored maps into pseudo labels."""

from pathlib import Path
from typing import Any, ClassVar

from mmdrs.apis import label_dataset
from mmdrs.errors import InputError
from mmdrs.pipeline.label_rules import learns_foreground
from mmdrs.pipeline.runs.stage_run import StageRun
from mmdrs.pipeline.stages import stage_of


class LabelRun(StageRun):
    """Writes the pseudo labels of every split, and scores them where there are masks."""

    INGREDIENTS: ClassVar[tuple[str, ...]] = ('test_dataloader',)

    def ingredients(self) -> dict[str, Any]:
        unused = () if self.label_rules.merge else ('segments_path',)
        parts = without_scoring(super().ingredients(), 'seg_map_path', *unused)
        return dict(parts, rules=self.label_rules.deciding())

    def score_ingredients(self) -> dict[str, Any]:
        """With the source of the saliency maps, which the records name."""
        rules = self.label_rules.to_config()
        return dict(super().score_ingredients(), **super().ingredients(), rules=rules)

    def file_kinds(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        rules = self.label_rules
        used = dict(
            saliency_path=rules.background_cue.needs_saliency,
            img_path=rules.needs_image,
            segments_path=rules.merge is not None,
        )
        return tuple(kind for kind, needed in used.items() if needed), ('seg_map_path',)

    def given_datasets(self) -> list[dict]:
        return [
            dict(self.split_config(split).test_dataloader.dataset, pipeline=[])
            for split in self.splits
        ]

    def check(self) -> None:
        super().check()
        prefixes = [config['data_prefix'] for config in self.given_datasets()]
        needed = self.label_rules.background_cue.needs_saliency and self.can_fuse
        given = self.stage.saliency or all(prefix.get('saliency_path') for prefix in prefixes)
        if needed and not given:
            raise InputError(
                f"the background cue of `pseudo_labels` in '{self.settings.path}' needs saliency "
                'maps: set saliency_dir, learn them (stages.foreground='
                "'mmdrs::custom/foreground_custom.py'), or choose "
                "background_cue=dict(type='constant', value=0.3) or dict(type='power', exponent=2)"
            )
        merged = self.label_rules.merge is not None
        if merged and not all(prefix.get('segments_path') for prefix in prefixes):
            raise InputError(
                f"`merge` of `pseudo_labels` in '{self.settings.path}' needs the masks of a "
                'segmenter: set segments_dir, or leave out `merge`'
            )

    @property
    def can_fuse(self) -> bool:
        """Whether the saliency maps of its labels, if they need any, are there before it."""
        learned = learns_foreground(self.settings) and not self.stage.saliency
        return not (learned and self.label_rules.background_cue.needs_saliency)

    def run(self, resume: bool) -> None:
        for split in self.splits:
            maps = self.work_dir / self.stage.learnt / split
            self.fuse(split, maps, self.folder / split, f'{split} labels')

    def fuse(self, split: str, maps: Path, out_dir: Path | None, title: str) -> None:
        """Fuse the stored maps of a split, and leave a record where there are masks."""
        made_by = self.stage.source or self.stage.name
        network = stage_of(made_by).trained
        cfg = self.split_config(split)
        if self.stage.saliency:
            saliency = (self.work_dir / self.stage.saliency / split).resolve()
            cfg.test_dataloader.dataset.data_prefix['saliency_path'] = str(saliency)
        label_dataset(
            cfg,
            maps,
            out_dir,
            self.label_rules,
            self.settings.get('num_workers') or 0,
            title,
            self.checkpoint(network),
            self.stage.name,
        )


def without_scoring(parts: dict[str, Any], *prefixes: str) -> dict[str, Any]:
    """Ingredients without folders of the test data set, and without the loading of masks."""
    loader = parts['test_dataloader']
    dataset = dict(loader['dataset'])
    folders = {k: v for k, v in dataset['data_prefix'].items() if k not in prefixes}
    steps = [step for step in dataset.get('pipeline', []) if step['type'] != 'LoadAnnotations']
    dataset.update(data_prefix=folders, pipeline=steps)
    return {**parts, 'test_dataloader': {**loader, 'dataset': dataset}}
