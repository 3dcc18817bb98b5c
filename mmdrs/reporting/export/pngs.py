"""Palette PNGs of labels."""

from pathlib import Path

from mmdrs.engine import Progress
from mmdrs.pseudo_labels.label_file import write_label
from mmdrs.pseudo_labels.output_paths import check_outputs, output_path
from mmdrs.reporting.export.labelled_images import LabelledImages

_RECORD = dict(kind='export')


def write_pngs(folder: Path, images: LabelledImages) -> None:
    """Write ``<folder>/<id>.png`` of each image: the values are the classes.

    Raises:
        InputError: If a file would overwrite an image, or one that mmdrs has not written.
    """
    infos = [dict(img_id=name, img_path=str(path)) for name, path in images.paths.items()]
    check_outputs([(folder, '.png')], infos)
    progress = Progress('export')
    for number, image in enumerate(images, 1):
        path = output_path(folder, image.id, '.png')
        write_label(path, image.label, images.palette, _RECORD)
        progress.step(number, len(images), image.path.name)
