"""Mixed precision without an accelerator."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS
from mmengine.runner import autocast
from torch import nn


@OPTIM_WRAPPERS.register_module()
class Bfloat16OptimWrapper(OptimWrapper):
    """An ``OptimWrapper`` whose forward passes run in bfloat16, on CPUs as well as on GPUs.

    MMEngine's ``AmpOptimWrapper`` refuses CPUs. bfloat16 has the exponents of single precision,
    so no loss is scaled. CPUs without bfloat16 instructions (AVX-512 BF16, AMX) compute the same,
    but more slowly than in single precision.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast, within what gradient accumulation and DDP need."""
        with super().optim_context(model), autocast(dtype=torch.bfloat16):
            yield
