"""A report on a pipeline run: one HTML file with scores, images, curves and figures by class."""

from mmdrs.reporting.report.report import IMAGES, write_report

__all__ = ['IMAGES', 'write_report']
