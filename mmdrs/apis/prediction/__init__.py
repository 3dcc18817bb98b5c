"""Masks of new images: the network of a run, large images in windows, files that are written."""
