"""``SegTTAModel`` whose merged scores go on to where scores are needed."""

from typing import cast

from mmengine.structures import PixelData
from mmseg.models.segmentors import SegTTAModel
from mmseg.registry import MODELS
from mmseg.utils import SampleList
from torch import Tensor

#: A probability of 0 would be minus infinity as a score.
_SMALLEST = 1e-12


@MODELS.register_module()
class ProbabilityTTA(SegTTAModel):
    """Averages the probabilities of all augmentations, as its parent does, and keeps them.

    The parent leaves the last augmentation's ``seg_logits`` beside the merged prediction. Here
    they are the logarithm of the merged probabilities, so that what works on scores, such as a
    dense CRF (``CRFIoUMetric``), works with test-time augmentation.
    """

    def merge_preds(self, data_samples_list: list[SampleList]) -> SampleList:
        """Merge; one inner list holds the augmented predictions of one image."""
        merged = []
        for samples in data_samples_list:
            scores = [sample.seg_logits.get('data').float() for sample in samples]
            mean = cast(Tensor, sum(score.softmax(dim=0) for score in scores)) / len(scores)
            sample = samples[0]
            sample.set_data(
                dict(
                    seg_logits=PixelData(data=mean.clamp(min=_SMALLEST).log()),
                    pred_sem_seg=PixelData(data=mean.argmax(dim=0, keepdim=True)),
                )
            )
            merged.append(sample)
        return merged
