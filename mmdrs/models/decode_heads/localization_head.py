"""What the heads that predict localization maps have in common."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import cast

import torch
from mmcv.cnn import build_norm_layer
from mmengine.model import Sequential
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.utils import SampleList
from torch import Tensor, nn

from mmdrs.errors import InputError
from mmdrs.models.layers import build_drs
from mmdrs.models.utils.cam import MAP_THRESHOLD


class LocalizationHead(BaseDecodeHead):
    """A decode head whose prediction is [background, localization map of class 0, class 1, ...].

    ``num_classes`` counts the background, as everywhere in MMSegmentation; the 1 x 1 convolution
    has one output less. In a prediction the background channel is the constant ``threshold``, so
    that MMSegmentation's argmax is the map thresholded there.

    Args:
        num_classes: Classes, background included.
        channels: Width of the 3 x 3 convolutions before the 1 x 1; default ``in_channels``.
        num_convs: Number of those convolutions. ``DilatedVGG`` brings its own; in front of any
            other backbone they take the place of the paper's extra convolutions.
        drs: Layer config of DRS in place of their ReLUs, for instance ``dict(type='DRS')``.
        threshold: The background score.
        align_corners: For every resize; the reference aligns corners.
        init_cfg: Initialisation; default N(0, :meth:`initial_std`), bias 0.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        channels: int | None = None,
        num_convs: int = 0,
        norm_cfg: dict | None = None,
        drs: dict | None = None,
        threshold: float = MAP_THRESHOLD,
        in_index: int = -1,
        align_corners: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            in_channels=in_channels,
            channels=channels or in_channels,
            num_classes=num_classes,
            out_channels=num_classes,
            threshold=threshold,
            dropout_ratio=0,
            # Not used, but the parent's default warns.
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
            norm_cfg=norm_cfg,
            in_index=in_index,
            align_corners=align_corners,
            init_cfg=init_cfg
            or [
                dict(type='Kaiming', layer='Conv2d', mode='fan_out', distribution='normal'),
                dict(
                    type='Normal',
                    std=self.initial_std(num_classes),
                    override=dict(name='conv_seg'),
                ),
            ],
        )
        layers: list[nn.Module] = []
        for index in range(num_convs):
            layers += self._conv(self.channels if index else in_channels, drs)
        self.convs = Sequential(*layers)
        width = self.channels if num_convs else in_channels
        self.conv_seg = nn.Conv2d(width, num_classes - 1, kernel_size=1)

    def _conv(self, in_channels: int, drs: dict | None) -> list[nn.Module]:
        conv = nn.Conv2d(in_channels, self.channels, 3, padding=1, bias=self.norm_cfg is None)
        norm = [build_norm_layer(self.norm_cfg, self.channels)[1]] if self.norm_cfg else []
        activation = (
            build_drs(dict(drs, inplace=True), self.channels) if drs else nn.ReLU(inplace=True)
        )
        return [conv, *norm, activation]

    # The parent's is a placeholder that returns nothing.
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, inputs: tuple[Tensor, ...] | Tensor
    ) -> Tensor:
        """Raw class maps (N, classes without background, h, w) of the backbone's features."""
        if isinstance(inputs, Tensor):  # some backbones return a single feature map bare
            inputs = (inputs,)
        return self.conv_seg(self.convs(self._transform_inputs(inputs)))

    def predict(
        self, inputs: tuple[Tensor, ...], batch_img_metas: list[dict], test_cfg: dict
    ) -> Tensor:
        """Localization maps of feature maps; see :meth:`predict_by_feat`.

        Where the segmentor slides windows, the maps are those of the window, at its size.
        """
        class_maps = self.forward(inputs)
        if test_cfg.get('mode') != 'slide':
            return self.predict_by_feat(class_maps, batch_img_metas)
        # The segmentor notes the size of the window in the first of the metas.
        return self.gated_maps(class_maps, batch_img_metas, batch_img_metas[0]['img_shape'])

    def predict_by_feat(self, seg_logits: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Localization maps with the background channel, gated by the image labels.

        The maps have the size ``output_shape`` where the meta information asks for one. Else they
        are resized straight to ``ori_shape``, as in the reference, where the batch allows it: all
        images of one size, nothing padded. Otherwise they have the input's size and are cropped
        and resized by the segmentor.

        Args:
            seg_logits: Raw class maps (N, K, h, w).
            batch_img_metas: Meta information; ``img_label`` (K,), 0 or 1, is used where given.

        Returns:
            (N, 1 + K, H, W).
        """
        return self.gated_maps(seg_logits, batch_img_metas, self._output_size(batch_img_metas))

    def gated_maps(self, class_maps: Tensor, metas: list[dict], size: Sequence[int]) -> Tensor:
        """Background and maps of the classes (N, 1 + K, H, W) of raw class maps (N, K, h, w).

        ``size`` is (H, W).
        """
        class_maps = class_maps.float()  # under autocast the convolutions alone are to be coarse
        height, width = size
        present = self.gate(class_maps, metas) > 0
        normalize = metas[0].get('normalize', True)
        # Only the classes present are resized and normalised: 1.5 of VOC's 20 on average.
        maps = self.maps(class_maps[present][:, None], (height, width), normalize)[:, 0]
        prediction = maps.new_zeros(len(class_maps), 1 + class_maps.shape[1], height, width)
        prediction[:, 0] = cast(float, self.threshold)
        prediction[:, 1:][present] = maps
        return prediction

    def gate(self, class_maps: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Which classes an image holds, (N, K), 0 or 1: its labels, else :meth:`present`."""
        rows = [
            torch.as_tensor(meta['img_label']).to(class_maps)
            if meta.get('img_label') is not None
            else self.present(class_maps[index])
            for index, meta in enumerate(batch_img_metas)
        ]
        return torch.stack(rows)

    @staticmethod
    @abstractmethod
    def initial_std(num_classes: int) -> float:
        """Standard deviation of the 1 x 1 convolution's initial weights, as released."""

    @abstractmethod
    def maps(self, class_maps: Tensor, size: tuple[int, int], normalize: bool = True) -> Tensor:
        """Localization maps (N, K, H, W) of raw class maps (N, K, h, w), each by itself.

        ``normalize``: divide each by its maximum, where the head does; off for sums of maps.
        """

    @abstractmethod
    def present(self, class_maps: Tensor) -> Tensor:
        """For an image without labels: the classes it is taken to hold, (K,), from (K, h, w)."""

    @staticmethod
    def _output_size(metas: list[dict]) -> Sequence[int]:
        first = metas[0]
        if first.get('output_shape') is not None:
            return first['output_shape']
        sizes = {tuple(meta['ori_shape'][:2]) for meta in metas}
        padded = any(
            any(meta.get('img_padding_size', meta.get('padding_size', (0,)))) for meta in metas
        )
        if padded or len(sizes) > 1:
            return (first.get('pad_shape') or first['img_shape'])[:2]
        return sizes.pop()

    def _image_labels(self, samples: SampleList, like: Tensor) -> Tensor:
        """The image labels (N, K) of a training batch, of the type and device of a tensor."""
        for sample in samples:
            if sample.get('img_label') is None:
                raise InputError(
                    f"{type(self).__name__} needs 'img_label' of {sample.get('img_path')} to "
                    'train: use ImageLabelDataset and end the pipeline with PackDRSInputs'
                )
        return torch.stack([sample.get('img_label') for sample in samples]).to(like)
