"""A report on a pipeline run: one HTML file with scores, images, curves and tables by class."""

from mmdrs.reporting.report.page import IMAGES, write_report

__all__ = ['IMAGES', 'write_report']
