"""Pseudo labels from localization maps: cue, fusion, CRF, and the files."""
