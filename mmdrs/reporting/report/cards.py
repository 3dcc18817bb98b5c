"""The images of the report: a card each, with a picture for every stage."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

from mmdrs.engine import Progress
from mmdrs.models.utils.cam import resize_array
from mmdrs.pseudo_labels.label_file import VOID_COLOUR, read_label
from mmdrs.pseudo_labels.map_file import read_maps
from mmdrs.reporting.report.figures import Figures
from mmdrs.reporting.report.html import Html, tag
from mmdrs.reporting.report.pictures import SIDE, label_uri, photo_uri
from mmdrs.reporting.report.samples import LABEL_STAGES, MAP_STAGES, Sample, Split
from mmdrs.reporting.report.statistics import IGNORED, extremes
from mmdrs.visualization import heat_map


def choose_cards(split: Split, figures: Figures, count: int) -> tuple[str | None, list[int]]:
    """The images to show: the worst and the best ones.

    Returns:
        The stage whose scores tell which those are, None without ground truth (then they are the
        first images); and their places in the list, worst first.
    """
    stage, scores = figures.ranking(len(split.samples))
    return stage, [int(place) for place in extremes(scores, count)]


def cards(
    split: Split, figures: Figures, places: Sequence[int], ranked_by: str | None
) -> tuple[list[Html], list[int]]:
    """The cards of some images.

    Returns:
        The cards, and the classes that occur on them (from 1, as in masks), each once.
    """
    progress = Progress('pictures')
    made, present = [], set()
    for number, place in enumerate(places, 1):
        sample = split.samples[place]
        classes = _classes(sample)
        present.update(classes)
        made.append(_card(split, figures, place, classes, ranked_by))
        progress.step(number, len(places))
    return made, sorted(present)


def swatch(colour: Sequence[int]) -> Html:
    """A small square in the colour of a class."""
    return tag('i', class_='swatch', style=f'background:rgb({",".join(map(str, colour))})')


def colour_legend(split: Split) -> Html:
    """The colours of all classes and of ignored pixels."""
    pairs = [*zip(split.palette, split.classes, strict=False), (VOID_COLOUR, 'ignored (255)')]
    return tag('ul', [tag('li', swatch(c), name) for c, name in pairs], class_='legend')


def _classes(sample: Sample) -> list[int]:
    """The classes of an image, from 1: its labels, without labels those of its mask."""
    if sample.classes is not None:
        return [index + 1 for index in sample.classes]
    if sample.mask is None:
        return []
    return [int(value) for value in np.unique(read_label(sample.mask)) if 0 < value < IGNORED]


def _card(
    split: Split, figures: Figures, place: int, classes: Sequence[int], ranked_by: str | None
) -> Html:
    sample = split.samples[place]
    scores = {
        words: figures.labels[name].scores[place]
        for name, words in LABEL_STAGES.items()
        if name in figures.labels and np.isfinite(figures.labels[name].scores[place])
    }
    score = scores.get(LABEL_STAGES.get(ranked_by, ''))
    chips = [
        tag('li', swatch(split.palette[index]), split.classes[index])
        for index in classes
        if index < len(split.classes)
    ]
    told = [tag('span', f'{words} ', tag('b', f'{value:.1f}')) for words, value in scores.items()]
    pictures = _pictures(split, sample)
    head = tag(
        'header',
        tag('h3', sample.id),
        tag('ul', chips, class_='legend'),
        tag('p', told, class_='scores') if told else None,
    )
    return tag(
        'article',
        head,
        tag('div', pictures, class_='strip', style=f'--pictures:{len(pictures)}'),
        class_='card',
        data_name=sample.id,
        data_classes=' '.join(map(str, classes)),
        data_score=None if score is None else f'{score:.4f}',
    )


def _pictures(split: Split, sample: Sample) -> list[Html]:
    with Image.open(sample.image) as file:
        # As the networks saw it: MMSegmentation turns images as their EXIF data say.
        image = np.asarray(ImageOps.exif_transpose(file).convert('RGB'))
    pictures = [_picture('image', sample.id, photo_uri(image))]
    for name in split.made_by(list(MAP_STAGES)):
        maps = resize_array(read_maps(sample.files[name]).floats(), image.shape[:2])
        pictures.append(_picture(MAP_STAGES[name], sample.id, photo_uri(heat_map(image, maps))))
    if sample.saliency is not None:
        # Not as a label: with another background cue it may be of any mode.
        with Image.open(sample.saliency) as file:
            saliency = np.asarray(file.convert('RGB'))
        pictures.append(_picture('saliency', sample.id, photo_uri(saliency)))
    labels = {words: sample.files.get(name) for name, words in LABEL_STAGES.items()}
    for words, path in {**labels, 'ground truth': sample.mask}.items():
        if path is not None:
            label = read_label(path)
            # Few pixels are shown as such; many would look torn.
            style = 'exact' if max(label.shape) < SIDE / 2 else None
            uri = label_uri(label, split.palette)
            pictures.append(_picture(words, sample.id, uri, style))
    return pictures


def _picture(words: str, id_: str, uri: str, style: str | None = None) -> Html:
    return tag(
        'figure',
        tag('img', src=uri, alt=f'{words} of {id_}', class_=style),
        tag('figcaption', words),
    )
