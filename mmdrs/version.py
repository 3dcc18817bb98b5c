"""The version of mmdrs: the only place where it is written."""

__version__ = '0.3.0'
