"""The polynomial schedule in steps of several iterations."""

from mmengine.optim import OptimWrapper, PolyLR
from mmseg.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class SteppedPolyLR(PolyLR):
    """``PolyLR`` that changes the rate every ``interval`` iterations only, as DeepLabV2 does.

    ``lr = base * (1 - step / end) ** power``, where ``step`` is the last multiple of ``interval``.
    Iterations count, not optimizer steps: if gradients accumulate over k iterations, multiply
    ``interval`` and ``end`` by k.
    """

    def __init__(
        self,
        optimizer: OptimWrapper,
        interval: int = 10,
        end: int = 20000,
        power: float = 0.9,
        last_step: int = -1,
    ) -> None:
        self.interval = interval
        super().__init__(
            optimizer, power=power, begin=0, end=end, by_epoch=False, last_step=last_step
        )

    def _get_value(self) -> list[float]:
        step = self.last_step // self.interval * self.interval
        factor = (1 - step / self.end) ** self.power
        return [base * factor for base in self.base_values]
