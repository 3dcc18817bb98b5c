"""Loops of MMEngine's runner."""

from .map_loop import LocalizationMapLoop

__all__ = ['LocalizationMapLoop']
