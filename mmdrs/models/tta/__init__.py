from mmdrs.models.tta.cam_method import CamMethod, cam_methods
from mmdrs.models.tta.class_probability_tta import ClassProbabilityTTA
from mmdrs.models.tta.localization_tta import LocalizationTTA
from mmdrs.models.tta.probability_tta import ProbabilityTTA
from mmdrs.models.tta.views_tta import ViewsTTA

__all__ = [
    'CamMethod',
    'ClassProbabilityTTA',
    'LocalizationTTA',
    'ProbabilityTTA',
    'ViewsTTA',
    'cam_methods',
]
