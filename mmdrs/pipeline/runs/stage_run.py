"""What all kinds of stages have in common."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from mmengine.config import Config

from mmdrs.apis.checkpoint import is_whole, latest_checkpoint
from mmdrs.apis.shared_settings import set_list
from mmdrs.datasets import read_class_folders, read_id_list
from mmdrs.datasets.image_ids import IMAGE_SUFFIXES
from mmdrs.errors import InputError
from mmdrs.evaluation.records.record import Evaluation, read_evaluation
from mmdrs.files import digest
from mmdrs.pipeline.data_files import DataFiles, weight_digests
from mmdrs.pipeline.label_rules import pseudo_label_rules
from mmdrs.pipeline.settings import Settings
from mmdrs.pipeline.stages import Stage
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.stage_state import Fingerprint, fingerprint


@dataclass
class StageRun(ABC):
    """One stage of one pipeline run.

    Attributes:
        stage: The stage.
        settings: The settings.
        work_dir: Work directory of the pipeline.
        data: The user's files.
        launcher: MMEngine's launcher.
    """

    stage: Stage
    settings: Settings
    work_dir: Path
    data: DataFiles
    launcher: str = 'none'

    #: Top-level keys of the config that the stage's files depend on.
    INGREDIENTS: ClassVar[tuple[str, ...]] = ()

    @property
    def folder(self) -> Path:
        """Folder of the results."""
        return self.work_dir / self.stage.name

    def config(self) -> Config:
        """The stage's config with the settings and the user's options; no inputs yet."""
        return copy.deepcopy(self._config)

    @cached_property
    def _config(self) -> Config:
        return self.settings.stage_config(self.stage.config, self.folder)

    @cached_property
    def splits(self) -> dict[str, str]:
        """Lists of the images to make maps and labels of; ``val`` only to be scored.

        '' are folders of classes.
        """
        val = self.settings.get('val_list')
        return {'train': self.settings['train_list'] or '', **({'val': val} if val else {})}

    def split_config(self, split: str) -> Config:
        """The config with the images of a split in its test data set."""
        cfg = self.config()
        set_list(cfg.test_dataloader.dataset, self.splits[split])
        return cfg

    @cached_property
    def label_rules(self) -> LabelRules:
        """How maps become labels."""
        return pseudo_label_rules(self.settings)

    def fingerprint(self, inputs: Sequence[str], scored: Sequence[str] = ()) -> Fingerprint:
        """What the stage is made from.

        Args:
            inputs: What the stages that its files depend on have made, see :meth:`product`.
            scored: The same of those that only its scores depend on.
        """
        files = digest([self._own.files, [*inputs]])
        return Fingerprint(files, digest([self._own.scores, files, *scored]))

    @cached_property
    def _own(self) -> Fingerprint:
        """Its own part, without the stages before: looked at once, since contents are read."""
        made, lists = self.ingredients(), self.lists()
        files, scored = (
            [self.data.fingerprint(config, kinds) for config in self.given_datasets()]
            for kinds in self.file_kinds()
        )
        return Fingerprint(
            fingerprint(made, lists, [*files, *weight_digests(made)]),
            fingerprint(self.score_ingredients(), lists, scored),
        )

    def file_kinds(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Kinds of the user's files that the stage's files, and only its scores, are made of."""
        return ('img_path',), ('seg_map_path',)

    def product(self, made: Fingerprint, inputs: Sequence[str]) -> str:
        """What the stages that need this one depend on: what it was, or is to be, made from.

        Args:
            made: The fingerprint of this stage.
            inputs: The products of the stages that it needs.
        """
        return made.files

    def sources(self) -> set[str]:
        """The stages whose maps or labels it reads, as far as it is known."""
        return {self.stage.source} if self.stage.source else set()

    def ingredients(self) -> dict[str, Any]:
        """What the stage's files depend on, its lists and inputs apart."""
        cfg = self.config().to_dict()
        return {key: cfg.get(key) for key in self.INGREDIENTS}

    def score_ingredients(self) -> dict[str, Any]:
        """What only its scores depend on: at least the name of the data set in their records."""
        name = self.settings.get('dataset_name')
        return dict(dataset=name) if name else {}

    def lists(self) -> list[Path]:
        """The list files that it reads, or the folder of the folders of classes."""
        return [self._list(split) for split in self.splits]

    def _list(self, split: str) -> Path:
        root = Path(self.settings.get('data_root') or '')
        return root / (self.splits[split] or self.settings['image_dir'])

    @abstractmethod
    def given_datasets(self) -> list[dict]:
        """Configs of the data sets whose files come from the user, not from another stage."""

    def check_data(self) -> None:
        """Read every list and look for every image, mask and saliency map of the stage.

        Raises:
            InputError: If anything is missing or wrong.
        """
        for config in self.given_datasets():
            self.data.check(config)

    def check(self) -> None:
        """Check the options of the stage before hours are spent: the label rules, for all stages.

        Raises:
            InputError: If anything is missing or wrong.
        """
        LabelRules.from_config(self.settings['pseudo_labels'])

    def work(self) -> float:
        """How much is to be done, in images through a network; 0 where little."""
        return 0.0

    @abstractmethod
    def run(self, resume: bool) -> None:
        """Do the stage's work; its scores are records in ``<folder>/results``.

        Args:
            resume: Go on where an earlier run of the same stage was stopped.
        """

    def weights(self) -> Path | None:
        """The checkpoint of a finished training; None for other stages."""
        return None

    def evaluations(self) -> list[Evaluation]:
        """The records of the stage's scores."""
        return [read_evaluation(path) for path in sorted((self.folder / 'results').glob('*.json'))]

    def prepared(self, cfg: Config, detail: str = '') -> Config:
        """Add what every run of the pipeline has: launcher, progress lines, a quiet console."""
        cfg.launcher = self.launcher
        title = f'{self.stage.name}{detail}'
        hooks = cfg.get('custom_hooks') or []
        cfg.custom_hooks = [*hooks, dict(type='ProgressHook', title=title)]
        cfg.runner_type = 'QuietRunner'
        if cfg.get('visualizer'):  # of a stock config; stages would write into the first's folder
            cfg.visualizer.pop('name', None)
        return cfg

    def count_images(self, split: str = 'train') -> int:
        """Images of a split."""
        path = self._list(split)
        if self.splits[split]:
            return len(read_id_list(path))
        suffix = self.settings.get('image_suffix') or IMAGE_SUFFIXES
        suffixes = (suffix,) if isinstance(suffix, str) else suffix
        return len(read_class_folders(path, self.settings['classes'][1:], suffixes))

    def checkpoint(self, stage: str) -> str:
        """The checkpoint of a finished training: the best where the config chooses one.

        Raises:
            InputError: If there is none.
        """
        folder = self.work_dir / stage
        # A config that chooses its checkpoint (`save_best`) leaves one such file.
        best = sorted(folder.glob('best_*.pth'), key=lambda file: file.stat().st_mtime)
        path = next((str(file) for file in reversed(best) if is_whole(file)), None)
        path = path or latest_checkpoint(folder)
        if path is None:
            raise InputError(
                f'{self.stage.name} needs the checkpoint of {stage}, but there is none in '
                f'{folder}; run that stage first (--from {stage})'
            )
        return path
