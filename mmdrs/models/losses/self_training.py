"""The self-training target of the released DeepLabV2 training, restricted to an image's labels."""

from typing import Literal

from torch import Tensor

from mmdrs.errors import InputError

Masking = Literal['exclude', 'released']
MASKINGS = ('exclude', 'released')


def self_labels(logits: Tensor, present: Tensor, masking: Masking = 'exclude') -> Tensor:
    """What a segmentation network predicts among the classes that its image holds.

    Args:
        logits: (N, C, H, W), background first.
        present: Which classes an image holds, (N, C), 1 or 0; background is always held.
        masking: ``'exclude'`` leaves absent classes out of the argmax (their logits become minus
            infinity). ``'released'`` multiplies the logits by ``present`` as the released code
            does, which chooses an absent class wherever all present logits are negative.

    Returns:
        Labels (N, H, W), int64; no gradient flows through them.

    Raises:
        ValueError: For another masking.
    """
    logits, present = logits.detach(), present[:, :, None, None]
    if masking == 'exclude':
        return logits.masked_fill(present == 0, float('-inf')).argmax(dim=1)
    if masking == 'released':
        return (logits * present).argmax(dim=1)
    raise InputError(f'masking of self-training must be one of {MASKINGS}, got {masking!r}')
