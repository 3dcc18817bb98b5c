"""Registries of the parts of label making, to which a user's own module may add.

Networks, data sets, metrics and hooks are in MMSegmentation's registries.
"""

from mmengine.registry import Registry

#: What decides which pixels are background: subclasses of
#: :class:`~mmdrs.pseudo_labels.steps.Cue`.
BACKGROUND_CUES = Registry('background cue', scope='mmdrs')
#: What changes maps before they become a label: subclasses of
#: :class:`~mmdrs.pseudo_labels.steps.MapRefinement`.
MAP_REFINEMENTS = Registry('map refinement', scope='mmdrs')
