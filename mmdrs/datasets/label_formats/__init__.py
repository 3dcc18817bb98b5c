"""Formats of image-level labels, one module each: ``fits`` detects it and ``read`` reads it."""
