"""A segmentor that sees its image at several scales, in training and in the test."""

from collections.abc import Sequence

import torch
from mmengine.config import ConfigDict
from mmseg.models.segmentors import EncoderDecoder
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.utils import SampleList, add_prefix
from torch import Tensor
from torch.nn import functional as F

from mmdrs.errors import InputError


@MODELS.register_module()
class MultiScaleEncoderDecoder(EncoderDecoder):
    """``EncoderDecoder`` on an image pyramid, merged by the maximum (DeepLabV2's MSC).

    The network runs at full size and at each of ``scales``. Predictions are the element-wise
    maximum of all logits at the size of the full-size ones. In training there is a loss on the
    logits of every scale, at their own size, and on the maximum; they are summed.

    Chen et al., arXiv 1606.00915, section 4.1.2. Unlike test-time augmentation this is also
    trained, and works on logits.

    Args:
        decode_head: Its ``loss_by_feat`` is called for every scale;
            :class:`DeepLabV2Head` resizes the labels to the logits.
        scales: Factors of the image's size beside 1.

    Raises:
        ValueError: If ``scales`` is empty or holds a factor that is not positive.
    """

    def __init__(
        self,
        backbone: ConfigDict,
        decode_head: ConfigDict,
        scales: Sequence[float] = (0.5, 0.75),
        data_preprocessor: ConfigDict | None = None,
        neck: ConfigDict | None = None,
        train_cfg: ConfigDict | None = None,
        test_cfg: ConfigDict | None = None,
        init_cfg: ConfigDict | None = None,
    ) -> None:
        if not scales or min(scales) <= 0:
            raise InputError(
                f'MultiScaleEncoderDecoder: scales must be one or more factors above 0, got '
                f'{scales}; EncoderDecoder is the same network at full size alone'
            )
        super().__init__(
            backbone=backbone,
            decode_head=decode_head,
            neck=neck,
            train_cfg=train_cfg,
            test_cfg=test_cfg,
            data_preprocessor=data_preprocessor,
            init_cfg=init_cfg,
        )
        self.scales = tuple(scales)

    def pyramid(self, inputs: Tensor) -> list[Tensor]:
        """Logits of images (N, 3, H, W): full size (N, C, h, w), every scale, and the maximum."""
        full = self.decode_head(self.extract_feat(inputs))
        scaled = []
        for scale in self.scales:
            smaller = F.interpolate(inputs, scale_factor=scale, mode='bilinear')
            scaled.append(self.decode_head(self.extract_feat(smaller)))
        at_full_size = [resize(logits, full.shape[2:], mode='bilinear') for logits in scaled]
        return [full, *scaled, torch.stack([full, *at_full_size]).amax(dim=0)]

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """The maximum over the scales, resized to the input's size."""
        return self.decode_head.predict_by_feat(self.pyramid(inputs)[-1], batch_img_metas)

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict:
        """The decode head's losses at every scale, prefixed ``scale_1``, ... and ``max``."""
        names = ['scale_1', *(f'scale_{scale:g}' for scale in self.scales), 'max']
        losses = {}
        for name, logits in zip(names, self.pyramid(inputs), strict=True):
            loss = self.decode_head.loss_by_feat(logits, data_samples)
            losses |= add_prefix(loss, name)
        return losses

    def _forward(self, inputs: Tensor, data_samples: SampleList | None = None) -> Tensor:
        return self.pyramid(inputs)[-1]
