"""All stages in order, from image labels to a scored segmentation network."""

from .driver import run_pipeline
from .pseudo_labels import make_pseudo_labels
from .settings import load_settings

__all__ = ['load_settings', 'make_pseudo_labels', 'run_pipeline']
