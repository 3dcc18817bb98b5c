"""Pseudo labels in the test loop: fused from predictions, written and scored."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from mmengine.logging import MMLogger
from mmengine.structures import PixelData
from mmseg.registry import METRICS
from mmseg.structures import SegDataSample

from mmdrs.evaluation.functional.scores import FusedCounts
from mmdrs.evaluation.metrics.background import warn_of_background
from mmdrs.evaluation.metrics.file_metric import FileMetric
from mmdrs.evaluation.metrics.samples import map_record
from mmdrs.evaluation.records.protocol import label_protocols
from mmdrs.evaluation.records.record import Task
from mmdrs.pseudo_labels.constants import CONFIDENT_THRESHOLD, MAP_THRESHOLD
from mmdrs.pseudo_labels.maker import ImageFiles, LabelMaker
from mmdrs.pseudo_labels.map_file import LocalizationMaps
from mmdrs.pseudo_labels.output_paths import image_id
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.rules_file import write_rules


@METRICS.register_module()
class PseudoLabelMetric(FileMetric):
    """Fuses predicted maps into pseudo labels without storing the maps.

    The labels equal those of stored maps: the predicted maps are quantised to the same levels.
    They have the size of the image file. Scores, in percent: ``mIoU``, the labels as the released
    scoring scripts build them; ``mIoU_written``, the written files, whose ignored pixels (255)
    count as misses; ``mIoU_kept``, their other pixels, and ``kept``, the share of these.

    Args:
        background_cue: ``dict(type='saliency'|'constant'|'power', ...)``, see
            :class:`~mmdrs.pseudo_labels.fusion.BackgroundCue`. ``saliency`` reads the sample's
            ``saliency_path`` (from the data set's ``data_prefix``) unless the pipeline loads the
            map with ``LoadSaliencyMap``, which one that resizes it must.
        output_dir: Folder of the label PNGs; None writes none.
        threshold: See :func:`~mmdrs.pseudo_labels.fusion.fuse_maps`, as for ``confident`` and
            ``max_confident``.
        crf: Constants of :class:`~mmdrs.pseudo_labels.crf.DenseCRF`; None is no CRF.
        refine: ``dict(type='PAR', ...)``, see :class:`~mmdrs.pseudo_labels.par.PAR`; None is none.
        merge: ``dict(type='SegmentMerging', ...)``, see
            :class:`~mmdrs.pseudo_labels.segments.SegmentMerging`; it reads the sample's
            ``segments_path``. None merges none.
        keep_results: Accepted because ``tools/test.py --out`` sets it; labels are always kept.
        threads: See :class:`FileMetric`, also for the arguments after it.
    """

    task: ClassVar[Task] = 'pseudo'
    holds_prediction = False

    def __init__(
        self,
        background_cue: dict,
        output_dir: str | None = None,
        threshold: float = MAP_THRESHOLD,
        confident: float = CONFIDENT_THRESHOLD,
        max_confident: int = 2,
        crf: dict | None = None,
        refine: dict | None = None,
        merge: dict | None = None,
        keep_results: bool = True,
        threads: int = 2,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(output_dir, threads, collect_device, prefix)
        self.rules = LabelRules.from_config(
            dict(
                background_cue=background_cue,
                threshold=threshold,
                confident=confident,
                max_confident=max_confident,
                crf=crf,
                refine=refine,
                merge=merge,
            )
        )
        self.protocols = label_protocols(self.rules.to_config())

    def kept(self, sample: dict) -> bool:
        """Whether the label files of an image are there and made of the same."""
        if self.record is None:
            return False
        return self._maker().finished(self._files(sample), map_record(self.record, sample))

    def restore(self, sample: SegDataSample) -> None:
        """Put the kept label into a data sample; without ignored pixels where that one is kept."""
        label = self._maker().read(self._files(sample.to_dict()))[-1]
        data = torch.from_numpy(label.astype(np.int64))[None]
        sample.set_data(dict(pred_sem_seg=PixelData(data=data)))

    def _maker(self) -> LabelMaker:
        return LabelMaker(self.rules, self.meta['palette'], self.output_dir)

    def _files(self, sample: dict) -> ImageFiles:
        saliency = sample.get('saliency_path')
        if 'saliency' in sample:  # the pipeline has loaded it
            saliency = sample['saliency']['data'].squeeze(0).cpu().numpy()
        scored, segments = 'gt_sem_seg' in sample, sample.get('segments_path')
        return ImageFiles(image_id(sample), sample['img_path'], saliency, scored, segments)

    def _read(self, files: ImageFiles) -> Sequence[np.ndarray]:
        return self._maker().read(files)

    def _make(self, files: ImageFiles, maps: LocalizationMaps) -> Sequence[np.ndarray]:
        return self._maker().make(files, maps, maps.record or None)

    def _count(self, made: Sequence[np.ndarray], actual: np.ndarray) -> FusedCounts:
        return FusedCounts.of(made, actual, self.num_classes)

    def compute_scores(self, total: FusedCounts | None, images: int) -> dict[str, float]:
        """The scores over all images with ground truth; nothing where there is none."""
        logger = MMLogger.get_current_instance()
        if self.output_dir is not None:
            logger.info(f'pseudo labels of {images} images are in {self.output_dir}')
            write_rules(self.output_dir, self.rules)
        if total is None:
            return {}
        if not total.written.predicted[1:].any():
            warn_of_background('labels')
        forms = total.forms()
        self.class_scores = {name: (100 * c.iou()).tolist() for name, c in forms.items()}
        scores = {name: counts.miou() for name, counts in forms.items()}
        return dict(scores, kept=total.share_kept())
