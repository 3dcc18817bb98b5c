"""The head that learns where an image has an object, whatever its class."""

import copy
from collections.abc import Sequence
from typing import cast

import torch
from mmengine.dist import all_reduce_params
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.utils import ConfigType, SampleList
from torch import Tensor, nn

from mmdrs.errors import InputError
from mmdrs.models.decode_heads.localization_maps import map_levels
from mmdrs.models.losses.foreground import balanced_cross_entropy, map_foreground


@MODELS.register_module()
class ForegroundHead(BaseDecodeHead):
    """Learns a foreground of any class from localization maps, in rounds.

    Two 1 x 1 convolutions on standardised features of a frozen backbone. They learn what the maps
    of a classifier are sure of, and generalise: what looks like an object in all images together
    is foreground, also where a map has not reached it. In the first round the targets are the
    greatest of the maps of each pixel, after it the probabilities of the network at the end of
    the round before (the teacher), on the same features. C2AM (Xie et al., CVPR 2022, arXiv
    2203.13505) solves the same task with a contrastive loss.

    The prediction is the logit of foreground. Train it in a ``FrozenBackboneEncoderDecoder``, and
    begin rounds with ``ForegroundRoundHook``.

    Args:
        in_channels: Channels of each feature map.
        in_index: Which feature maps of the backbone; they are brought to the size of the first.
        channels: Width of the hidden layer.
        dropout_ratio: Share of its channels that are dropped in training.
        sure_foreground, sure_background: In the first round, pixels with a map above the one are
            foreground, those without a map above the other background; those between are ignored.
        teacher_foreground: The same for the probabilities of the teacher.
        teacher_background: The same, for each round after the first; the last value also counts
            for further rounds.
        num_classes: Number of classes of the data set; nothing depends on it.
        align_corners: For the resizing of features and logits.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        in_index: Sequence[int],
        channels: int = 64,
        dropout_ratio: float = 0.3,
        sure_foreground: float = 0.7,
        sure_background: float = 0.05,
        teacher_foreground: float = 0.9,
        teacher_background: Sequence[float] = (0.3, 0.4),
        num_classes: int = 2,
        align_corners: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            in_channels=in_channels,
            channels=channels,
            num_classes=num_classes,
            out_channels=1,
            threshold=0.5,
            dropout_ratio=dropout_ratio,
            in_index=cast(int, in_index),  # with the transform the parent takes several
            input_transform='resize_concat',
            # Not used, but the parent's default warns.
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
            align_corners=align_corners,
            init_cfg=init_cfg,
        )
        self.limits = (
            (sure_foreground, sure_background),
            *((teacher_foreground, low) for low in teacher_background),
        )
        self._check_limits()
        width = cast(int, self.in_channels)  # the parent has added up those of the feature maps
        self.hidden = nn.Sequential(
            nn.BatchNorm2d(width, affine=False),
            nn.Conv2d(width, channels, kernel_size=1),
            nn.ReLU(inplace=True),
        )
        self.teacher = copy.deepcopy(nn.Sequential(self.hidden, self.conv_seg))
        self.teacher.requires_grad_(False)
        # In the checkpoint, as the teacher, so that a resumed training goes on with both.
        self.register_buffer('round', torch.zeros((), dtype=torch.long))

    def _check_limits(self) -> None:
        for high, low in self.limits:
            if not 0 <= low <= high <= 1:
                raise InputError(
                    'ForegroundHead: sure_background, sure_foreground, teacher_background and '
                    'teacher_foreground must be in 0..1, and no background above its foreground; '
                    f'got {low} and {high}'
                )
        if len(self.limits) < 2:
            raise InputError('ForegroundHead: teacher_background must not be empty')

    def train(self, mode: bool = True) -> 'ForegroundHead':
        """Switch to training; the teacher never is."""
        super().train(mode)
        self.teacher.eval()
        return self

    # The parent's is a placeholder that returns nothing.
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, inputs: tuple[Tensor, ...]
    ) -> Tensor:
        """Logits of foreground (N, 1, h, w) of the backbone's feature maps."""
        return self.cls_seg(self.hidden(self._transform_inputs(inputs)))

    def loss(
        self, inputs: tuple[Tensor, ...], batch_data_samples: SampleList, train_cfg: ConfigType
    ) -> dict[str, Tensor]:
        """The losses of sure foreground and sure background.

        Raises:
            InputError: If a sample has no ``gt_localization_map``.
        """
        logits = self.forward(inputs).float()
        height, width = logits.shape[2:]
        score = self.target_score(inputs, batch_data_samples, (height, width))
        limits = self.limits[min(int(self.round), len(self.limits) - 1)]
        foreground, background = balanced_cross_entropy(logits, score, *limits)
        return dict(loss_foreground=foreground, loss_background=background)

    @torch.no_grad()
    def target_score(
        self, inputs: tuple[Tensor, ...], samples: SampleList, size: tuple[int, int]
    ) -> Tensor:
        """What the pixels of the present round are judged by: ``(N, 1, *size)``, 0..1."""
        if self.round > 0:
            return self.teacher(self._transform_inputs(inputs)).float().sigmoid()
        levels = map_levels(samples, 'ForegroundHead')
        return map_foreground(levels.float() / 255, size)

    def next_round(self) -> None:
        """Make the network the teacher of the next round; all processes get the same one."""
        norm = self.hidden[0]
        all_reduce_params([norm.running_mean, norm.running_var], op='mean')
        for own, part in zip(self.teacher, (self.hidden, self.conv_seg), strict=True):
            own.load_state_dict(part.state_dict())
        self.round += 1
