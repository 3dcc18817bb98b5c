"""Operations of DRS layers."""

from .suppression import controls, suppress, suppress_by_controller, with_strength

__all__ = ['controls', 'suppress', 'suppress_by_controller', 'with_strength']
