from .cam_head import CAMHead
from .deeplabv2_head import DeepLabV2Head
from .deeplabv3plus_head import DeepLabV3PlusHead
from .refinement_head import RefinementHead

__all__ = ['CAMHead', 'DeepLabV2Head', 'DeepLabV3PlusHead', 'RefinementHead']
