"""All stages in order, from image labels to a scored segmentation network."""

from mmdrs.pipeline.driver import run_pipeline
from mmdrs.pipeline.pseudo_labels import make_pseudo_labels
from mmdrs.pipeline.settings import load_settings

__all__ = ['load_settings', 'make_pseudo_labels', 'run_pipeline']
