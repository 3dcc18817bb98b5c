from .localization_tta import LocalizationTTA
from .probability_tta import ProbabilityTTA
from .views_tta import ViewsTTA

__all__ = ['LocalizationTTA', 'ProbabilityTTA', 'ViewsTTA']
