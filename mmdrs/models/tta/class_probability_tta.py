"""The class probabilities of a segmentation network as localization maps."""

import torch
from mmseg.registry import MODELS
from torch import Tensor

from mmdrs.models.tta.localization_tta import LocalizationTTA


@MODELS.register_module()
class ClassProbabilityTTA(LocalizationTTA):
    """Maps of a trained segmentation network: its probabilities.

    The probabilities are those among background and the classes that the image is labelled with
    (``img_label`` of the data samples): the network cannot choose a class that is not there. The
    maps of a view and its background sum to 1.

    Arguments are those of :class:`LocalizationTTA`; the segmentor may be any that scores the
    background and each class. ``merge='mean'`` averages the probabilities of the views.
    """

    def _inference(self, inputs: Tensor, metas: list[dict]) -> Tensor:
        """Probabilities (N, 1 + K, *output_shape), 0 for absent classes."""
        # The heads of MMSegmentation resize their scores to the size of the image.
        sizes = [dict.fromkeys(('img_shape', 'pad_shape'), m['output_shape']) for m in metas]
        metas = [dict(meta, **size) for meta, size in zip(metas, sizes, strict=True)]
        scores = super()._inference(inputs, metas).float()
        if scores.shape[1] == 1:  # a binary head has no channel of the background
            scores = torch.cat([torch.zeros_like(scores), scores], dim=1)
        return scores.masked_fill(~present_channels(metas, scores), float('-inf')).softmax(dim=1)


def present_channels(metas: list[dict], scores: Tensor) -> Tensor:
    """Channels of the background and of the classes that images hold, (N, 1 + K, 1, 1).

    All channels of an image without image labels.
    """
    present = torch.ones(scores.shape[:2], dtype=torch.bool, device=scores.device)
    for row, meta in zip(present, metas, strict=True):
        if meta.get('img_label') is not None:
            row[1:] = torch.as_tensor(meta['img_label'], device=scores.device) > 0
    return present[:, :, None, None]
