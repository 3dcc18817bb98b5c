"""Multi-scale localization maps through MMSegmentation's test-time augmentation."""

from mmengine.structures import PixelData
from mmseg.models.segmentors import SegTTAModel
from mmseg.registry import MODELS
from mmseg.utils import SampleList

from mmdrs.localization.cam import merge_scales


@MODELS.register_module()
class LocalizationTTA(SegTTAModel):
    """Merges the maps of all augmentations by their element-wise maximum.

    The parent averages softmax values and keeps the last augmentation's ``seg_logits``; here both
    ``seg_logits`` and ``pred_sem_seg`` hold the merged maps.
    """

    def merge_preds(self, data_samples_list: list[SampleList]) -> SampleList:
        """Merge; one inner list holds the augmented predictions of one image."""
        merged = []
        for samples in data_samples_list:
            maps = merge_scales([sample.seg_logits.data for sample in samples])
            sample = samples[0]
            sample.set_data(
                dict(
                    seg_logits=PixelData(data=maps),
                    pred_sem_seg=PixelData(data=maps.argmax(dim=0, keepdim=True)),
                )
            )
            merged.append(sample)
        return merged
