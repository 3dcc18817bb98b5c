"""CVAT for images 1.1: one XML file for all images, with shapes and tags."""

from mmdrs.datasets.label_formats.labelled import (
    LabelledImages,
    NamedLabels,
    ReadOptions,
    Source,
    from_names,
)
from mmdrs.datasets.label_formats.xml_files import read_xml, starts_with_tag
from mmdrs.errors import InputError


def fits(source: Source) -> str:
    """Why a source is of this format; '' where it is not."""
    for name in source.ending('.xml')[:20]:
        if starts_with_tag(source.full(name), 'annotations'):
            return f'{name} is XML with <annotations>'
    return ''


def read(source: Source, options: ReadOptions) -> LabelledImages:
    """Read the labels of shapes (box, polygon, mask, ...) and tags of each image.

    An image without any has no label. The classes are in the order of the labels of the task.

    Raises:
        InputError: If a file is no such XML, or is of a video.
    """
    rows, known = [], []
    for name in source.ending('.xml'):
        path = source.full(name)
        if not starts_with_tag(path, 'annotations'):
            continue
        root = read_xml(path, 'annotation')
        images = root.findall('image')
        if not images and root.find('track') is not None:
            raise InputError(f"{path}: is of a video; export it as 'CVAT for images 1.1'")
        labels = (item.findtext('name') or '' for item in root.findall('meta//labels/label'))
        known += [label for label in labels if label and label not in known]
        for image in images:
            where = f'{path}, image {image.get("id", "")} {image.get("name", "")!r}'
            image_name = image.get('name')
            if not image_name:
                raise InputError(f'{where}: has no name')
            names = [item.get('label', '') for item in image]
            rows.append(NamedLabels(image_name, [n for n in names if n], where))
    return from_names(rows, options.classes, known)
