"""The head of refinement learning."""

from mmseg.registry import MODELS
from mmseg.utils import SampleList
from torch import Tensor
from torch.nn import functional as F

from mmdrs.models.decode_heads.localization_head import LocalizationHead
from mmdrs.models.decode_heads.localization_maps import map_levels
from mmdrs.models.utils.cam import refinement_target, resize_maps


@MODELS.register_module()
class RefinementHead(LocalizationHead):
    """Regression of localization maps (paper, section "Localization Map Refinement Learning").

    A second network learns the first one's maps: MSE over all classes and pixels, linear output.
    It repairs them, because what is wrong in single images does not repeat. The output is gated by
    the image labels in prediction only, is not normalised, and may exceed 1.
    """

    @staticmethod
    def initial_std(num_classes: int) -> float:
        return 0.01

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: SampleList) -> dict:
        """Mean squared error to the maps of ``gt_localization_map`` (uint8 levels, (K, H, W))."""
        levels = map_levels(batch_data_samples, 'RefinementHead')
        class_maps = seg_logits.float()  # half precision cannot tell all of the 256 levels apart
        target = refinement_target(levels.to(class_maps) / 255)
        height, width = target.shape[2:]
        return dict(loss_mse=F.mse_loss(self.maps(class_maps, (height, width)), target))

    def maps(self, class_maps: Tensor, size: tuple[int, int], normalize: bool = True) -> Tensor:
        """As they are, whether maps are summed up or not: they are absolute values."""
        return resize_maps(class_maps, size)

    def present(self, class_maps: Tensor) -> Tensor:
        # The values are absolute: a class the image does not hold stays near 0 by itself.
        return class_maps.new_ones(len(class_maps))
