"""All stages in order, from image labels to a scored segmentation network."""

from mmdrs.pipeline.driver import run_pipeline
from mmdrs.pipeline.settings import load_settings

__all__ = ['load_settings', 'run_pipeline']
