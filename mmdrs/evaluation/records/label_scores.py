"""The scores of the pseudo labels of a data set, made by several processes."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from mmengine.config import Config
from mmengine.dist import all_gather_object

from mmdrs.evaluation.functional.scores import FusedCounts
from mmdrs.evaluation.records.building import build_evaluation
from mmdrs.evaluation.records.protocol import label_protocols, read_protocol
from mmdrs.evaluation.records.record import Evaluation, Score, per_class
from mmdrs.pseudo_labels.rules import LabelRules


class LabelScores(NamedTuple):
    """Summed pixel counts of the labels of a data set, and the number of images with masks."""

    counts: FusedCounts
    images: int

    @classmethod
    def gather(cls, counts: Iterable[FusedCounts | None]) -> 'LabelScores | None':
        """Sum the counts of all processes; None where no image has ground truth."""
        own = _sum((count, 1) for count in counts)
        total, images = _sum(all_gather_object(own))
        return None if total is None else cls(total, images)

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
            cfg: Config of the network that made the maps; its test data set was scored.
            rules: How the labels were made.
            classes: Class names, background first.
            checkpoint: The network's weights, where known.
            stage: Stage of the pipeline.
        """
        special = label_protocols(rules.to_config())
        base = read_protocol(cfg.to_dict(), checkpoint)
        metrics = {'mIoU': self.counts.evaluated, 'mIoU_written': self.counts.written}
        scores = [
            Score(
                name,
                round(counts.miou(), 2),
                replace(base, **special[name]),
                per_class(classes, (100 * counts.iou()).tolist()),
            )
            for name, counts in metrics.items()
        ]
        return build_evaluation(cfg, 'pseudo', scores, self.images, checkpoint, stage)


def _sum(parts: Iterable[tuple[FusedCounts | None, int]]) -> tuple[FusedCounts | None, int]:
    total, images = None, 0
    for count, number in parts:
        if count is not None:
            total, images = count if total is None else total + count, images + number
    return total, images
