"""Several views of an image, each scored by itself in one test."""

from mmseg.models.segmentors import SegTTAModel
from mmseg.registry import MODELS
from mmseg.utils import SampleList


@MODELS.register_module()
class ViewsTTA(SegTTAModel):
    """Keeps the prediction of every view of ``TestTimeAug`` instead of merging them.

    The first view is the prediction; view n > 1 is the field ``view_n`` of its data sample,
    prediction and ground truth included. ``SegmentationMetric(view=n)`` scores one, so that
    scores of two protocols, such as whole images and centre crops, come out of one test.
    """

    def merge_preds(self, data_samples_list: list[SampleList]) -> SampleList:
        """One inner list holds the views of one image."""
        for samples in data_samples_list:
            for number, view in enumerate(samples[1:], 2):
                samples[0].set_field(view, f'view_{number}')
        return [samples[0] for samples in data_samples_list]
