"""Multi-scale localization maps through MMSegmentation's test-time augmentation."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModel
from mmengine.structures import PixelData
from mmseg.models.segmentors import SegTTAModel
from mmseg.registry import MODELS
from mmseg.utils import SampleList
from torch import Tensor
from torch.nn import functional as F

from mmdrs.models.utils.cam import merge_scales


@MODELS.register_module()
class LocalizationTTA(SegTTAModel):
    """Merges the maps of all scales and augmentations by their element-wise maximum.

    The parent averages softmax values and keeps the last augmentation's ``seg_logits``; here both
    ``seg_logits`` and ``pred_sem_seg`` hold the merged maps.

    The scales are made from the normalised image tensor, as in the released code: an image is
    decoded, resized and normalised once, and no scale is rounded to 8 bit. Other augmentations
    (flips) stand in the config's ``tta_pipeline`` as usual.

    Args:
        module: The segmentor.
        scales: Sides of the square inputs (reference: 256, 320, 384); none keeps the input.
    """

    def __init__(self, module: dict | BaseModel, scales: Sequence[int] = ()) -> None:
        super().__init__(module=module)
        self.scales = tuple(scales)

    def test_step(self, data: dict) -> SampleList:
        """Predict at every scale of every augmentation, and merge.

        Args:
            data: ``inputs`` and ``data_samples`` as lists over the augmentations, as
                ``TestTimeAug`` gives them.
        """
        if not self.scales:
            return super().test_step(data)
        predictions = []
        for index in range(len(data['inputs'])):
            batch = {key: values[index] for key, values in data.items()}
            batch = self.module.data_preprocessor(batch, training=False)
            predictions.append(self._predict(batch['inputs'], batch['data_samples']))
        return self.merge_preds(list(zip(*predictions, strict=True)))

    def _predict(self, images: Tensor, samples: SampleList) -> SampleList:
        """Predictions of normalised images (N, 3, H, W), merged over the scales."""
        metas = [sample.metainfo for sample in samples]
        merged = None
        for side in self.scales:
            inputs = F.interpolate(images, (side, side), mode='bilinear')
            maps = self.module.inference(inputs, metas)
            merged = maps if merged is None else torch.maximum(merged, maps, out=merged)
        return self.module.postprocess_result(merged, samples)

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
