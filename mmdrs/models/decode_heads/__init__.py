from .cam_head import CAMHead
from .refinement_head import RefinementHead

__all__ = ['CAMHead', 'RefinementHead']
