"""Loops of MMEngine's runner."""

from mmdrs.engine.loops.map_loop import LocalizationMapLoop

__all__ = ['LocalizationMapLoop']
