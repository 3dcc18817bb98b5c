from mmdrs.engine.schedulers.stepped_poly_lr import SteppedPolyLR

__all__ = ['SteppedPolyLR']
