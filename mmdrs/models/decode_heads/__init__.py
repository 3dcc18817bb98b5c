from mmdrs.models.decode_heads.cam_head import CAMHead
from mmdrs.models.decode_heads.deeplabv2_head import DeepLabV2Head
from mmdrs.models.decode_heads.deeplabv3plus_head import DeepLabV3PlusHead
from mmdrs.models.decode_heads.foreground_head import ForegroundHead
from mmdrs.models.decode_heads.refinement_head import RefinementHead

__all__ = ['CAMHead', 'DeepLabV2Head', 'DeepLabV3PlusHead', 'ForegroundHead', 'RefinementHead']
