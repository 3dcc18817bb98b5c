"""What is wrong with an environment, the data, the weights and the machine, before a run.

This file imports nothing: :mod:`mmdrs.doctor.environment` runs where the package cannot be
imported.
"""
