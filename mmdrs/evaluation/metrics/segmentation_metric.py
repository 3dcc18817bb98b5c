"""``IoUMetric`` that keeps its scores by class and writes palette PNGs."""

from collections.abc import Sequence

from mmseg.evaluation.metrics import IoUMetric
from mmseg.registry import METRICS

from mmdrs.errors import InputError
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.label_file import write_label
from mmdrs.pseudo_labels.output_paths import image_id, output_path
from mmdrs.pseudo_labels.palette import voc_palette


@METRICS.register_module()
class SegmentationMetric(IoUMetric):
    """MMSegmentation's ``IoUMetric``, same scores, that also gives the IoU of every class.

    It writes predictions as palette PNGs, which evaluation servers accept and image viewers show.
    ``tools/test.py`` puts it in the place of every ``IoUMetric``.

    Args:
        view: Which view of ``ViewsTTA`` is scored; 1 is the prediction itself.
        crop: What that view shows of each image, for the record; None is what the config says.
        output_dir: Folder of the predictions ``<image id>.png``; None writes none.
        format_only: Only write, where there is no ground truth.
        keep_results: Accepted because ``tools/test.py --out`` sets it.

    The other arguments are those of ``IoUMetric``.

    Attributes:
        protocols: What is special in the protocol of each score, for the records.
        class_scores: After :meth:`compute_metrics`, for ``'mIoU'`` the IoU in percent of each
            class; NaN for a class that does not occur.
    """

    def __init__(
        self,
        view: int = 1,
        crop: str | None = None,
        ignore_index: int = IGNORE_LABEL,
        iou_metrics: Sequence[str] = ('mIoU',),
        nan_to_num: int | None = None,
        beta: int = 1,
        collect_device: str = 'cpu',
        output_dir: str | None = None,
        format_only: bool = False,
        keep_results: bool = True,
        prefix: str | None = None,
    ) -> None:
        super().__init__(
            ignore_index=ignore_index,
            iou_metrics=iou_metrics,
            nan_to_num=nan_to_num,
            beta=beta,
            collect_device=collect_device,
            output_dir=output_dir,
            format_only=format_only,
            prefix=prefix,
        )
        self.view = view
        self.protocols: dict[str, dict[str, str]] = dict(mIoU=dict(crop=crop) if crop else {})
        self.class_scores: dict[str, list[float]] = {}

    def process(self, data_batch: dict | None, data_samples: Sequence[dict]) -> None:
        """Count one batch as the parent does, and write its predictions."""
        if self.view > 1:
            data_samples = [self._view(sample) for sample in data_samples]
        folder, self.output_dir = self.output_dir, None  # the parent would write grey PNGs
        super().process(data_batch, data_samples)
        self.output_dir = folder
        if folder is None:
            return
        for sample in data_samples:
            label = sample['pred_sem_seg']['data'].squeeze(0).cpu().numpy()
            if sample.get('reduce_zero_label', False):
                label = label + 1  # files count the class that the data set leaves out
            meta = self.dataset_meta
            palette = meta.get('palette') or voc_palette(len(meta['classes']))
            path = output_path(folder, image_id(sample), '.png')
            write_label(path, label, palette, dict(kind='prediction'))

    def _view(self, sample: dict) -> dict:
        name = f'view_{self.view}'
        if name not in sample:
            raise InputError(
                f'SegmentationMetric(view={self.view}): the model gives no such view; test with '
                "--tta, tta_model=dict(type='ViewsTTA') and as many views in TestTimeAug"
            )
        return sample[name]

    def compute_metrics(self, results: list) -> dict[str, float]:
        """The scores of the parent; the IoU by class is kept."""
        self.class_scores = {}
        if not self.format_only and 'mIoU' in self.metrics:
            intersection, union = (sum(column) for column in list(zip(*results, strict=True))[:2])
            iou = (100 * intersection / union).tolist()
            self.class_scores['mIoU'] = [round(value, 2) for value in iou]
        return super().compute_metrics(results)
