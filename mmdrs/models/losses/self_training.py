"""Self-training target of the released DeepLabV2 training, restricted to the image labels."""

from typing import Literal, get_args

from torch import Tensor

from mmdrs.errors import InputError

Masking = Literal['exclude', 'released']
MASKINGS = get_args(Masking)


def self_labels(logits: Tensor, present: Tensor, masking: Masking = 'exclude') -> Tensor:
    """The network's prediction among the classes that the image holds: (N, H, W), int64.

    Args:
        logits: (N, C, H, W), background first.
        present: (N, C), 1 for the classes that the image holds, background included, else 0.
        masking: ``'exclude'`` leaves absent classes out of the argmax. ``'released'`` multiplies
            the logits by ``present`` as the released code does, which chooses an absent class
            where all present logits are negative.

    Raises:
        InputError: If ``masking`` is unknown.
    """
    logits, present = logits.detach(), present[:, :, None, None]
    if masking == 'exclude':
        return logits.masked_fill(present == 0, float('-inf')).argmax(dim=1)
    if masking == 'released':
        return (logits * present).argmax(dim=1)
    raise InputError(f'masking of self-training must be one of {MASKINGS}, got {masking!r}')
