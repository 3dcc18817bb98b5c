from .localization_tta import LocalizationTTA

__all__ = ['LocalizationTTA']
