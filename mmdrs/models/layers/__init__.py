from mmdrs.models.layers.drs import DRS, LearnableDRS, build_drs

__all__ = ['DRS', 'LearnableDRS', 'build_drs']
