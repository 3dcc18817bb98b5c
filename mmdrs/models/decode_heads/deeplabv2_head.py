"""The head of DeepLabV2, which MMSegmentation does not have."""

from collections.abc import Sequence
from typing import cast

import torch
from mmengine.structures import PixelData
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import SampleList
from torch import Tensor, nn
from torch.nn import functional as F

from mmdrs.errors import InputError
from mmdrs.models.losses.self_training import MASKINGS, Masking, self_labels


@MODELS.register_module()
class DeepLabV2Head(BaseDecodeHead):
    """Atrous spatial pyramid pooling as one layer: the sum of dilated 3 x 3 convolutions.

    DeepLab (Chen et al., TPAMI 2018, arXiv 1606.00915), section 3.2, without the hidden layers:
    the ``ASPP-L`` that is common in weakly-supervised segmentation. The loss is taken at the size
    of the logits: the labels are resized to it (nearest), not the logits to the labels.

    Args:
        num_classes: Classes, background included.
        dilations: Of the summed convolutions.
        self_training: Adds the cross entropy to the network's own prediction among the classes of
            the image, a term of the released DRS training: ``'exclude'`` or ``'released'``, how
            absent classes are masked (:func:`~mmdrs.models.losses.self_labels`); None is without
            it. It needs the field ``img_label`` of the data samples.
        loss_decode: Loss on the labels; default the mean cross entropy of the pixels that are not
            ignored.

    Raises:
        ValueError: For an unknown ``self_training``; in training, where an image has no
            ``img_label``.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        dilations: Sequence[int] = (6, 12, 18, 24),
        self_training: Masking | None = None,
        in_index: int = -1,
        loss_decode: dict | None = None,
        ignore_index: int = 255,
        align_corners: bool = False,
    ) -> None:
        super().__init__(
            in_channels=in_channels,
            channels=in_channels,
            num_classes=num_classes,
            dropout_ratio=0,
            in_index=in_index,
            loss_decode=loss_decode or dict(type='CrossEntropyLoss', avg_non_ignore=True),
            ignore_index=ignore_index,
            align_corners=align_corners,
            init_cfg=dict(type='Normal', layer='Conv2d', std=0.01),
        )
        if self_training not in (None, *MASKINGS):
            raise InputError(
                f'DeepLabV2Head: self_training must be None or one of {MASKINGS}, '
                f'got {self_training!r}'
            )
        self.self_training: Masking | None = self_training
        del self.conv_seg  # the dilated convolutions are the classifier
        self.convs = nn.ModuleList(
            nn.Conv2d(in_channels, num_classes, 3, padding=dilation, dilation=dilation)
            for dilation in dilations
        )

    # The parent's is a placeholder that returns nothing.
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, inputs: tuple[Tensor, ...]
    ) -> Tensor:
        """Logits (N, num_classes, h, w) of the backbone's feature maps."""
        feature = self._transform_inputs(inputs)
        return cast(Tensor, sum(conv(feature) for conv in self.convs))

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: SampleList) -> dict:
        """The losses of the parent at the size of the logits, and ``loss_self_training``."""
        seg_logits = seg_logits.float()  # under AMP too
        size = seg_logits.shape[2:]
        resized = [_with_resized_label(sample, size) for sample in batch_data_samples]
        losses = super().loss_by_feat(seg_logits, resized)
        if self.self_training:
            present = torch.stack([_present(sample) for sample in batch_data_samples])
            target = self_labels(seg_logits, present.to(seg_logits), self.self_training)
            losses['loss_self_training'] = F.cross_entropy(seg_logits, target)
        return losses


def _with_resized_label(sample: SegDataSample, size: Sequence[int]) -> SegDataSample:
    """A sample with the label alone, at another size; pixel centres stay aligned."""
    label: Tensor = sample.gt_sem_seg.get('data')[None].float()
    label = F.interpolate(label, size=tuple(size), mode='nearest-exact')[0].long()
    return SegDataSample(gt_sem_seg=PixelData(data=label))


def _present(sample: SegDataSample) -> Tensor:
    """(num_classes,): background and the image-level labels."""
    label = sample.get('img_label')
    if label is None:
        raise InputError(
            f"self-training needs 'img_label' of {sample.get('img_path')}: set image_labels=True "
            'in the PseudoLabelDataset and end the pipeline with PackDRSInputs'
        )
    return torch.cat([label.new_ones(1), label])
