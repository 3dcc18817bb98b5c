"""Saying that a network, or the rules of labels, found no object at all."""

_CAUSES = dict(
    predictions=(
        'Look at the pseudo labels that it was trained on: if they hold no object, so will it; '
        'else train longer, or with another learning rate'
    ),
    labels=(
        'Nothing can be learned from them. Look at the maps and the saliency maps: mmdrs doctor '
        'names empty ones; a lower pseudo_labels.threshold or another background cue keeps more'
    ),
)


def warn_of_background(what: str) -> None:
    """Print that all pixels are background.

    Args:
        what: ``'predictions'`` or ``'labels'``.
    """
    print(f'  WARNING: all pixels of all {what} are background. {_CAUSES[what]}', flush=True)
