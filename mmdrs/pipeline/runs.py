"""What a stage does, by its kind. All of it goes through the code of train.py and test.py."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import find_latest_checkpoint
from mmseg.registry import DATASETS

from mmdrs.apis import (
    InputError,
    apply_output,
    make_pseudo_labels,
    test_model,
    train_model,
)
from mmdrs.engine import Progress, record_path
from mmdrs.evaluation.records.label_scores import LabelScores
from mmdrs.evaluation.records.record import write_evaluation
from mmdrs.pipeline.settings import Settings
from mmdrs.pipeline.stages import ALL_STAGES, Stage
from mmdrs.pseudo_labels.rules import LabelRules

Records = list[dict[str, Any]]
#: Scores of localization maps that go into the results, by their name there.
MAP_METRICS = ('mIoU_fixed', 'mIoU_swept', 'coverage', 'precision')
#: Scores of a segmentation network that do, with their name there.
SEGMENTATION_METRICS = {'mIoU': 'mIoU', 'crf/mIoU': 'mIoU_crf'}
#: Top-level keys of a config that change what a stage of that kind makes.
_TEST_KEYS = ('model', 'test_dataloader', 'test_evaluator', 'test_cfg')
_INGREDIENTS = dict(
    train=(
        *('model', 'train_dataloader', 'optim_wrapper', 'param_scheduler', 'train_cfg'),
        *('randomness', 'load_from', 'default_hooks', 'custom_hooks'),
    ),
    maps=(*_TEST_KEYS, 'tta_model', 'tta_pipeline'),
    labels=('test_dataloader',),
    test=_TEST_KEYS,
)


@dataclass
class StageRun:
    """One stage of one pipeline run.

    Attributes:
        stage: The stage.
        settings: The settings.
        work_dir: Work directory of the pipeline.
        launcher: MMEngine's launcher.
    """

    stage: Stage
    settings: Settings
    work_dir: Path
    launcher: str = 'none'

    @property
    def folder(self) -> Path:
        return self.work_dir / self.stage.name

    @property
    def data_root(self) -> Path:
        return Path(self.settings.get('data_root') or '')

    def count_images(self, list_file: str) -> int:
        """Lines of a list below the data's root."""
        return len((self.data_root / list_file).read_text().splitlines())

    def config(self) -> Config:
        """The stage's config, with the user's options and list of images; no inputs yet."""
        cfg = self.settings.stage_config(self.stage.config, {}, self.folder)
        if 'ann_file' in cfg.train_dataloader.dataset:
            cfg.train_dataloader.dataset.ann_file = self.settings['train_list']
        return cfg

    def ingredients(self, scores: bool = True) -> dict[str, Any]:
        """What the stage's results depend on, its inputs apart.

        Args:
            scores: With what only its scores depend on. Without, it is what stages that use its
                files depend on: other rules of pseudo labels score maps anew, and the refinement
                network that has learned from the maps stays as it is.
        """
        cfg = self.config().to_dict()
        parts = {key: cfg.get(key) for key in _INGREDIENTS[self.stage.kind]}
        if self.stage.kind == 'labels' or (self.stage.kind == 'maps' and scores):
            parts['rules'] = self.label_rules().to_config()
        if self.stage.kind == 'maps' and not scores:
            del parts['test_evaluator']
            prefixes = parts['test_dataloader']['dataset']['data_prefix']
            for key in ('saliency_path', 'seg_map_path'):
                prefixes.pop(key, None)
        return parts

    def lists(self) -> list[Path]:
        """The list files it reads."""
        names = self.splits()
        used = ['train'] if self.stage.kind == 'train' else list(names)
        return [self.data_root / names[split] for split in used]

    def splits(self) -> dict[str, str]:
        """Lists of the images to make maps and labels of; ``val`` only to be scored."""
        splits = dict(train=self.settings['train_list'], val=self.settings.get('val_list'))
        return {name: path for name, path in splits.items() if path}

    def split_config(self, split: str) -> Config:
        cfg = self.config()
        cfg.test_dataloader.dataset.ann_file = self.splits()[split]
        return cfg

    def given_datasets(self) -> list[dict]:
        """Configs of the data sets whose files come from the user, not from another stage."""
        if self.stage.kind in ('maps', 'labels'):
            loaders = [self.split_config(split).test_dataloader for split in self.splits()]
        elif self.stage.kind == 'test':
            loaders = [self.config().get('test_dataloader')]
        else:
            loaders = [None if self.stage.source else self.config().train_dataloader]
        return [dict(loader.dataset, pipeline=[]) for loader in loaders if loader]

    def check_cue(self) -> None:
        """Check that there are saliency maps if the background cue needs them.

        Raises:
            InputError: If there are none.
        """
        prefixes = [config['data_prefix'] for config in self.given_datasets()]
        needed = self.label_rules().background_cue.needs_saliency
        if needed and not all(prefix.get('saliency_path') for prefix in prefixes):
            raise InputError(
                f"the background cue of `pseudo_labels` in '{self.settings.path}' needs saliency "
                "maps: set saliency_dir, or choose background_cue=dict(type='constant', value=0.3)"
                " or dict(type='power', exponent=2)"
            )

    def run(self, resume: bool) -> Records:
        """Do the stage's work; returns its scores.

        Args:
            resume: Go on where an earlier run of the same stage was stopped.
        """
        return getattr(self, f'_run_{self.stage.kind}')(resume)

    def _run_train(self, resume: bool) -> Records:
        cfg = self._prepared(self.config())
        if self.stage.weights and self.stage.backbone_only:
            checkpoint = self._checkpoint(self.stage.weights)
            cfg.model.backbone.init_cfg = dict(
                type='Pretrained', checkpoint=checkpoint, prefix='backbone.'
            )
        elif self.stage.weights:
            cfg.load_from = self._checkpoint(self.stage.weights)
        if self.stage.source:
            key = 'seg_map_path' if self.stage.source == 'pseudo_labels' else 'map_path'
            folder = self.work_dir / self.stage.source / 'train'
            cfg.train_dataloader.dataset.data_prefix[key] = str(folder.resolve())
        train_model(cfg, resume=resume)
        return []

    def _run_maps(self, resume: bool) -> Records:
        records: Records = []
        for split in self.splits():
            cfg = self._prepared(self.split_config(split), f' ({split})')
            apply_output(cfg, str(self.folder / split))
            scores = test_model(cfg, self._checkpoint(self.stage.weights), self.stage.name)
            records += [
                self._record(name, scores[name], split) for name in MAP_METRICS if name in scores
            ]
            pseudo = self._fuse(split, self.folder / split, None, f'scoring {split} labels')
            if pseudo:
                records.append(self._record('mIoU_pseudo', pseudo['mIoU'], split))
        return records

    def _run_labels(self, resume: bool) -> Records:
        records: Records = []
        for split in self.splits():
            maps = self.work_dir / self.stage.source / split
            scores = self._fuse(split, maps, self.folder / split, f'{split} labels')
            records += [self._record(name, value, split) for name, value in scores.items()]
        return records

    def _run_test(self, resume: bool) -> Records:
        cfg = self._prepared(self.config())
        if cfg.get('test_dataloader') is None:
            return []
        apply_output(cfg, str(self.folder / 'predictions'))
        scores = test_model(cfg, self._checkpoint(self.stage.weights), self.stage.name)
        return [
            self._record(metric, scores[name], 'val', stage='segmentation')
            for name, metric in SEGMENTATION_METRICS.items()
            if name in scores
        ]

    def label_rules(self) -> LabelRules:
        return LabelRules.from_config(self.settings['pseudo_labels'])

    def _fuse(self, split: str, maps: Path, out_dir: Path | None, title: str) -> dict[str, float]:
        """Fuse the stored maps of a split; the two figures of the labels, none without masks."""
        dataset_cfg = dict(self.split_config(split).test_dataloader.dataset, pipeline=[])
        dataset = DATASETS.build(dataset_cfg)
        classes, palette = dataset.metainfo['classes'], dataset.metainfo['palette']
        scores = LabelScores.gather(
            make_pseudo_labels(
                (dataset.get_data_info(index) for index in range(len(dataset))),
                maps,
                out_dir,
                self.label_rules(),
                palette,
                len(classes),
                self.settings.get('num_workers', 0),
                Progress(title),
            )
        )
        if scores is None:
            return {}
        if is_main_process():
            made_by = self.stage.source or self.stage.name
            network = next(stage.weights for stage in ALL_STAGES if stage.name == made_by)
            record = scores.evaluation(
                self.split_config(split),
                self.label_rules(),
                classes,
                self._checkpoint(network),
                self.stage.name,
            )
            write_evaluation(record_path(self.folder, record), record)
        return dict(mIoU=scores.counts.evaluated.miou(), mIoU_written=scores.counts.written.miou())

    def _prepared(self, cfg: Config, detail: str = '') -> Config:
        """Add what every run of the pipeline has: launcher, progress lines, a quiet console."""
        cfg.launcher = self.launcher
        title = f'{self.stage.name}{detail}'
        cfg.custom_hooks = [*cfg.get('custom_hooks', []), dict(type='ProgressHook', title=title)]
        cfg.runner_type = 'QuietRunner'
        if cfg.get('visualizer'):  # of a stock config; stages would write into the first's folder
            cfg.visualizer.pop('name', None)
        return cfg

    def _checkpoint(self, stage: str) -> str:
        folder = self.work_dir / stage
        if not (folder / 'last_checkpoint').is_file():
            raise InputError(
                f'{self.stage.name} needs the checkpoint of {stage}, but there is none in '
                f'{folder}; run that stage first (--from {stage})'
            )
        # A config that chooses its checkpoint (`save_best`) leaves one such file.
        best = sorted(folder.glob('best_*.pth'), key=lambda file: file.stat().st_mtime)
        path = best[-1] if best else Path(find_latest_checkpoint(str(folder)))
        return str(folder / path.name)  # also if the work directory was moved

    def _record(self, metric: str, value: float, split: str, stage: str | None = None) -> dict:
        return dict(
            stage=stage or self.stage.name,
            metric=metric,
            value=round(float(value), 2),
            split=split,
            seed=self.settings['seed'],
        )
