"""The stage that makes saliency maps with the network of the stage ``foreground``."""

from pathlib import Path
from typing import Any, ClassVar

from mmengine.device import get_device
from mmengine.dist import get_dist_info
from mmseg.registry import DATASETS

from mmdrs.apis.foreground import LearnedForeground
from mmdrs.apis.saliency import make_saliency
from mmdrs.engine import Progress
from mmdrs.errors import InputError
from mmdrs.pipeline.runs.labels import without_scoring
from mmdrs.pipeline.runs.stage_run import StageRun

_OTHER_FOLDERS = ('seg_map_path', 'saliency_path', 'segments_path')


class ForegroundMapRun(StageRun):
    """Writes the saliency map ``<split>/<image id>.png`` of every image of every split."""

    INGREDIENTS: ClassVar[tuple[str, ...]] = ('model', 'test_dataloader')

    def ingredients(self) -> dict[str, Any]:
        return without_scoring(super().ingredients(), *_OTHER_FOLDERS)

    def score_ingredients(self) -> dict[str, Any]:
        """Nothing: it has no scores."""
        return {}

    def file_kinds(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return ('img_path',), ()

    def given_datasets(self) -> list[dict]:
        return [self._images(split) for split in self.splits]

    def _images(self, split: str) -> dict[str, Any]:
        dataset = self.split_config(split).test_dataloader.dataset
        prefix = {k: v for k, v in dataset.data_prefix.items() if k not in _OTHER_FOLDERS}
        return dict(dataset, data_prefix=prefix, pipeline=[])

    def work(self) -> float:
        return float(sum(map(self.count_images, self.splits)))

    def run(self, resume: bool) -> None:
        """Make the maps; each process those of its share of the images.

        Raises:
            InputError: If an image cannot be read.
        """
        network = LearnedForeground(
            self.config(), self.checkpoint(self.stage.trained), get_device()
        )
        rank, world = get_dist_info()
        for split in self.splits:
            dataset = DATASETS.build(self._images(split))
            infos = [dataset.get_data_info(index) for index in range(len(dataset))]
            images = {info['img_id']: Path(info['img_path']) for info in infos[rank::world]}
            progress = Progress(f'{self.stage.name} ({split})')
            made = make_saliency(images, self.folder / split, network, progress)
            if made.failed:
                raise InputError(next(iter(made.failed.values())))
