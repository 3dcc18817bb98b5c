"""COCO's JSON of masks: an annotation for each class of an image."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mmdrs.engine import Progress
from mmdrs.files import write_json
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.rle import encode
from mmdrs.reporting.export.labelled_images import LabelledImage, LabelledImages


def write_coco(path: Path, images: LabelledImages) -> int:
    """Write images, categories and annotations; returns the number of annotations.

    Ids of categories are the indices of the classes; the background is none. Pixels that are no
    class (255) are in no annotation. Images and annotations count from 1: pycocotools' evaluation
    takes an annotation with the id 0 for none.
    """
    background = images.classes[0] == 'background'
    listed, annotations = [], []
    progress = Progress('export')
    for number, image in enumerate(images, 1):
        height, width = image.label.shape
        listed.append(dict(id=number, file_name=image.file_name, width=width, height=height))
        for annotation in _annotations(image, background):
            start = dict(id=len(annotations) + 1, image_id=number)
            annotations.append({**start, **annotation})
        progress.step(number, len(images), image.path.name)
    categories = [
        dict(id=index, name=name, supercategory='')
        for index, name in enumerate(images.classes)
        if index or not background
    ]
    info = dict(description='made by mmdrs export')
    content = dict(info=info, licenses=[], images=listed, categories=categories)
    write_json(path, dict(content, annotations=annotations))
    return len(annotations)


def _annotations(image: LabelledImage, background: bool) -> Iterator[dict[str, Any]]:
    """Mask, area and box (left, top, width, height) of each class of an image."""
    for index in np.unique(image.label).tolist():
        if index == IGNORE_LABEL or (background and index == 0):
            continue
        mask = image.label == index
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        left, top = int(columns[0]), int(rows[0])
        box = [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1]
        yield dict(
            category_id=index,
            segmentation=encode(mask),
            area=int(mask.sum()),
            bbox=box,
            iscrowd=0,
        )
