"""Pseudo labels from stored localization maps: many images, several processes, resumable."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dist import all_gather_object, get_dist_info
from torch.utils.data import DataLoader, Dataset

from mmdrs.errors import InputError, MissingFileError
from mmdrs.evaluation.protocol import (
    dataset_name,
    label_protocols,
    read_protocol,
    split_name,
)
from mmdrs.evaluation.provenance import provenance
from mmdrs.evaluation.results import Evaluation, Score, per_class
from mmdrs.localization.cam import resize_array
from mmdrs.localization.crf import DenseCRF
from mmdrs.localization.fusion import BackgroundCue, fuse_maps
from mmdrs.localization.image_file import read_image
from mmdrs.localization.label_file import read_label, write_label
from mmdrs.localization.map_file import read_maps
from mmdrs.localization.scores import LabelCounts, count_label, sum_counts


@dataclass(frozen=True)
class LabelRules:
    """How maps become labels: the arguments of :func:`~mmdrs.localization.fusion.fuse_maps`.

    Attributes:
        background_cue: Where the background is.
        threshold: Map values below are 0.
        confident: A channel above this is confident ...
        max_confident: ... and pixels with more confident channels are ignored.
        crf: The dense CRF that the labels go through; None is none.
    """

    background_cue: BackgroundCue = field(default_factory=BackgroundCue)
    threshold: float = 0.2
    confident: float = 0.9
    max_confident: int = 2
    crf: DenseCRF | None = None

    @classmethod
    def from_config(cls, config: dict) -> 'LabelRules':
        """From ``dict(background_cue=dict(type='saliency', threshold=50), threshold=0.2)``.

        ``crf=dict()`` is a dense CRF with its default constants.
        """
        config = dict(config)
        cue = BackgroundCue(**config.pop('background_cue'))
        return cls(cue, crf=DenseCRF.from_config(config.pop('crf', None)), **config)

    def to_config(self) -> dict:
        """The rules as a config; it is part of the fingerprint of finished labels.

        No CRF is left out: labels finished by a version that had none stay finished.
        """
        config = asdict(self)
        if self.crf is None:
            del config['crf']
        return config


class _Labels(Dataset):
    """Item i makes label i. A DataLoader over it is the pool of processes, in order."""

    def __init__(
        self, images: list[dict], rules: LabelRules, palette: Sequence, num_classes: int
    ) -> None:
        self.images = images
        self.rules = rules
        self.palette = palette
        self.num_classes = num_classes

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[LabelCounts, LabelCounts] | None:
        image = self.images[index]
        stored = read_maps(image['map_path'])
        rules = self.rules
        saliency = None
        if rules.background_cue.needs_saliency:
            saliency = read_label(image['saliency_path'])
            if saliency.shape != stored.original_size:
                raise InputError(
                    f'{image["saliency_path"]} is {saliency.shape}, its image '
                    f'{image["img_path"]} is {stored.original_size} (height, width)'
                )
        written, evaluated = fuse_maps(
            resize_array(stored.floats(), stored.original_size),
            stored.labels,
            rules.background_cue,
            saliency,
            rules.threshold,
            rules.confident,
            rules.max_confident,
            rules.crf,
            read_image(image['img_path'], stored.original_size) if rules.crf else None,
        )
        if image['label_path'] is not None and not Path(image['label_path']).exists():
            write_label(image['label_path'], written, self.palette)
        if image.get('seg_map_path') is None:
            return None
        actual = read_label(image['seg_map_path'])
        return (
            count_label(evaluated, actual, self.num_classes),
            count_label(written, actual, self.num_classes),
        )


def make_pseudo_labels(
    images: Sequence[dict],
    map_dir: str | Path,
    out_dir: str | Path | None,
    rules: LabelRules,
    palette: Sequence[Sequence[int]],
    num_classes: int,
    workers: int = 0,
) -> Iterator[tuple[LabelCounts, LabelCounts] | None]:
    """Fuse the stored maps of many images; under a launcher each process takes its share.

    A label that is there already is not written again.

    Args:
        images: Data infos of :class:`~mmdrs.datasets.ImageLabelDataset`: ``img_id``,
            ``img_path``, ``saliency_path`` where the cue needs one, ``seg_map_path`` to be scored.
        map_dir: Folder of the map files.
        out_dir: Folder of the label PNGs; None only scores.
        rules: How maps become labels.
        palette: Red, green and blue of each class.
        num_classes: Classes, background included.
        workers: Processes beside this one.

    Yields:
        For each image of this process, in order: counts of the label as the released scoring
        scripts build it and as written; None without ground truth.

    Raises:
        FileNotFoundError: If maps are missing; names the first and counts them.
    """
    rank, world = get_dist_info()
    jobs = []
    for image in images:
        job = dict(image, map_path=str(Path(map_dir) / f'{image["img_id"]}.npz'))
        job['label_path'] = str(Path(out_dir) / f'{image["img_id"]}.png') if out_dir else None
        jobs.append(job)
    missing = [job['map_path'] for job in jobs if not Path(job['map_path']).is_file()]
    if missing:
        raise MissingFileError(
            f'{len(missing)} of {len(jobs)} localization maps are missing in {map_dir}, the first '
            f'is {missing[0]}; run the stage that makes them (tools/test.py --out)'
        )
    if out_dir:
        for job in jobs:
            Path(job['label_path']).parent.mkdir(parents=True, exist_ok=True)
    labels = _Labels(jobs[rank::world], rules, palette, num_classes)
    yield from DataLoader(labels, batch_size=None, num_workers=workers, worker_init_fn=_one_thread)


@dataclass(frozen=True)
class LabelScores:
    """Pixel counts of the labels of a data set: as the released scripts score them, as written."""

    evaluated: LabelCounts
    written: LabelCounts
    images: int

    @classmethod
    def gather(
        cls, counts: Sequence[tuple[LabelCounts, LabelCounts] | None]
    ) -> 'LabelScores | None':
        """Sum the counts of all processes; None where no image has ground truth."""
        found = [c for part in all_gather_object(list(counts)) for c in part if c is not None]
        if not found:
            return None
        evaluated, written = (sum_counts(column) for column in zip(*found, strict=True))
        return cls(evaluated, written, len(found))

    def evaluation(
        self,
        cfg: Config,
        rules: LabelRules,
        classes: Sequence[str],
        checkpoint: str | None = None,
        stage: str = '',
    ) -> Evaluation:
        """The record of these scores.

        Args:
            cfg: Config of the network which made the maps; its test data set was scored.
            rules: How the labels were made.
            classes: Class names, background first.
            checkpoint: The network's weights, where known.
            stage: Stage of the pipeline.
        """
        config = cfg.to_dict()
        dataset = config['test_dataloader']['dataset']
        crf = asdict(rules.crf) if rules.crf else None
        special = label_protocols(asdict(rules.background_cue), rules.threshold, crf)
        base = read_protocol(config, checkpoint)
        scores = [
            Score(
                name,
                round(counts.miou(), 2),
                replace(base, **special[name]),
                per_class(classes, (100 * counts.iou()).tolist()),
            )
            for name, counts in (('mIoU', self.evaluated), ('mIoU_written', self.written))
        ]
        list_file = Path(dataset.get('data_root') or '') / (dataset.get('ann_file') or '')
        return Evaluation(
            task='pseudo',
            dataset=dataset_name(dataset),
            split=split_name(dataset),
            images=self.images,
            model=Path(cfg.filename or 'model').stem,
            stage=stage,
            seed=(config.get('randomness') or {}).get('seed'),
            scores=scores,
            provenance=provenance(config, list_file, Path(checkpoint) if checkpoint else None),
        )


def _one_thread(worker: int) -> None:
    torch.set_num_threads(1)
