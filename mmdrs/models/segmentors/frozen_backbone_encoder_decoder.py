"""A segmentor that trains its head alone."""

from typing import Any

import torch
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class FrozenBackboneEncoderDecoder(EncoderDecoder):
    """``EncoderDecoder`` whose backbone, of any kind, stays as it is in a training.

    Its weights and the statistics of its batch norms do not change, and no gradients are kept.
    Distributed training finds no unused parameters.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.backbone.requires_grad_(False)

    def train(self, mode: bool = True) -> 'FrozenBackboneEncoderDecoder':
        """Switch to training; the backbone never is."""
        super().train(mode)
        self.backbone.eval()
        return self

    def extract_feat(self, inputs: Tensor) -> list[Tensor]:
        """Feature maps of images (N, 3, H, W), without gradients."""
        with torch.no_grad():
            return super().extract_feat(inputs)
