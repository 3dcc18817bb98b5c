"""Pseudo labels under the test loop: fused from predictions, written and scored."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from mmengine.logging import MMLogger
from mmseg.registry import METRICS

from mmdrs.errors import InputError
from mmdrs.evaluation.functional.scores import FusedCounts, count_label
from mmdrs.evaluation.metrics.samples import description, ground_truth, image_id, predicted_maps
from mmdrs.evaluation.metrics.total_metric import TotalMetric
from mmdrs.evaluation.records.protocol import label_protocols
from mmdrs.evaluation.records.record import Task
from mmdrs.pseudo_labels.crf import DenseCRF
from mmdrs.pseudo_labels.fusion import BackgroundCue
from mmdrs.pseudo_labels.label_file import read_label_settings, write_label
from mmdrs.pseudo_labels.rules import LabelRules


@METRICS.register_module()
class PseudoLabelMetric(TotalMetric):
    """Fuses predicted maps into pseudo labels, straight from the network, without stored maps.

    The labels have the size of the image file.

    Two figures, in percent: ``mIoU``, the labels as the released scoring scripts build them, and
    ``mIoU_written``, the files as they are written, whose ignored pixels (255) count as misses.

    Args:
        background_cue: ``dict(type='saliency'|'constant'|'power', ...)``, see
            :class:`~mmdrs.pseudo_labels.fusion.BackgroundCue`. With ``saliency`` the pipeline
            needs ``LoadSaliencyMap`` and ``PackDRSInputs``.
        output_dir: Folder of the label PNGs; None writes none.
        threshold: Map values below are 0.
        confident: A channel above this is confident ...
        max_confident: ... and pixels with more confident channels are ignored.
        crf: Constants of the dense CRF that the labels go through, see
            :class:`~mmdrs.pseudo_labels.crf.DenseCRF`; None is no CRF.
        keep_results: Accepted because ``tools/test.py --out`` sets it; labels are always kept.
        settings: What made the maps, kept in each label file with the rules of the labels;
            ``LocalizationMapLoop`` fills it in.
        threads: Threads that fuse, write and count while the network goes on.
        collect_device: ``'cpu'`` or ``'gpu'``, for results of several processes.
        prefix: Prefix of the names of the scores.

    Attributes:
        class_scores: After :meth:`compute_scores`, IoU in percent of each class for both figures.
        protocols: What is special in the protocol of each figure, for the records.
    """

    task: ClassVar[Task] = 'pseudo'

    def __init__(
        self,
        background_cue: dict,
        output_dir: str | None = None,
        threshold: float = 0.2,
        confident: float = 0.9,
        max_confident: int = 2,
        crf: dict | None = None,
        keep_results: bool = True,
        settings: dict | None = None,
        threads: int = 2,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(threads, collect_device, prefix)
        self.rules = LabelRules(
            *(BackgroundCue(**background_cue), threshold, confident, max_confident),
            DenseCRF.from_config(crf),
        )
        self.output_dir = Path(output_dir) if output_dir else None
        self.settings = settings or {}
        self.class_scores: dict[str, list[float]] = {}
        self.protocols = label_protocols(self.rules.to_config())

    def stored(self, sample: dict) -> Path | None:
        """The label file of an image if it is there and was made with the present settings.

        Not with ground truth: a label as the released scripts score it is not in the file.
        """
        if self.output_dir is None or 'gt_sem_seg' in sample:
            return None
        path = self._path(sample)
        return path if read_label_settings(path) == self._all_settings() else None

    def _path(self, sample: dict) -> Path:
        return self.output_dir / f'{image_id(sample)}.png'

    def _all_settings(self) -> dict:
        return dict(self.settings, rules=self.rules.to_config())

    def process(self, data_batch: dict | None, data_samples: Sequence[dict]) -> None:
        """Fuse, write and count one batch of predictions, in the background."""
        for sample in data_samples:
            if 'label_file' in sample:  # finished in an earlier run
                self._submit(lambda: None)
                continue
            # What needs the device or can be refused happens here, the rest in a thread.
            self._submit(
                self._finish,
                description(sample),
                *predicted_maps(sample),
                self._saliency(sample),
                ground_truth(sample),
            )

    def _finish(
        self,
        sample: dict,
        labels: tuple[int, ...],
        maps: np.ndarray,
        saliency: np.ndarray | None,
        actual: np.ndarray | None,
    ) -> FusedCounts | None:
        """Fuse, write and count one image."""
        size = tuple(sample.get('original_size', sample['ori_shape'])[:2])
        written, evaluated = self.rules.fuse(maps, labels, size, saliency, sample['img_path'])
        if self.output_dir is not None:
            path = self._path(sample)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_label(path, written, self.dataset_meta['palette'], self._all_settings())
        if actual is None:
            return None
        count = len(self.dataset_meta['classes'])
        return FusedCounts(
            count_label(evaluated, actual, count), count_label(written, actual, count)
        )

    def _saliency(self, sample: dict) -> np.ndarray | None:
        if not self.rules.background_cue.needs_saliency:
            return None
        if 'saliency' not in sample:
            raise InputError(
                f'no saliency map of {sample["img_path"]}: set data_prefix.saliency_path and add '
                "LoadSaliencyMap, or choose background_cue=dict(type='constant') or 'power'"
            )
        return sample['saliency']['data'].squeeze(0).cpu().numpy()

    def compute_scores(self, total: FusedCounts | None, images: int) -> dict[str, float]:
        """The two figures over all images with ground truth; nothing where there is none."""
        logger = MMLogger.get_current_instance()
        if self.output_dir is not None:
            logger.info(f'pseudo labels of {images} images are in {self.output_dir}')
        if total is None:
            return {}
        both = dict(mIoU=total.evaluated, mIoU_written=total.written)
        self.class_scores = {name: (100 * c.iou()).tolist() for name, c in both.items()}
        return {name: counts.miou() for name, counts in both.items()}
