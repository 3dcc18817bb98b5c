#!/usr/bin/env python
"""Write an image-level label list from COCO's instances annotations (2014 or 2017).

A line is the file name of an image without suffix and its classes, 0-based in the order of the
category ids, as in 'COCO_train2014_000000000009 45 49 50'. Images without any class are listed
as well.

Example: python tools/dataset_converters/coco_image_labels.py instances_train2014.json
    --out train_cls.txt --classes-out classes.txt
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from list_writer import write_label_list

from mmdrs.cli.arguments import command, command_parser
from mmdrs.datasets.label_lists import ImageLabels
from mmdrs.errors import InputError, MissingFileError
from mmdrs.files import written_whole

_HINT = 'expected instances_*.json of COCO 2014 or 2017'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = command_parser(__doc__)
    parser.add_argument('instances', type=Path, nargs='+', help='instances_*.json')
    parser.add_argument(
        '--out',
        type=Path,
        required=True,
        help='list to write: .txt, or .csv for names with blanks',
    )
    parser.add_argument(
        '--classes-out', type=Path, help="file for the class names, 'background' first"
    )
    parser.add_argument(
        '--min-area', type=float, default=0, help='leave out smaller annotations, in pixels'
    )
    parser.add_argument(
        '--skip-crowd', action='store_true', help='leave out annotations of crowds'
    )
    return parser.parse_args(argv)


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    images, classes = coco_image_labels(args.instances, args.min_area, args.skip_crowd)
    write_label_list(args.out, images)
    if args.classes_out:
        with written_whole(args.classes_out) as temporary:
            temporary.write_text(''.join(f'{name}\n' for name in classes), encoding='utf-8')
    mean = sum(len(image.labels) for image in images) / len(images)
    unlabelled = sum(not image.labels for image in images)
    print(
        f'{args.out}: {len(images)} images, {len(classes) - 1} classes, {mean:.2f} on average, '
        f'{unlabelled} without any'
    )


def coco_image_labels(
    paths: Sequence[str | Path], min_area: float = 0, skip_crowd: bool = False
) -> tuple[list[ImageLabels], list[str]]:
    """Read which classes are in which images.

    Args:
        paths: Instances annotations, all with the same categories.
        min_area: Leave out annotations of a smaller area, in pixels.
        skip_crowd: Leave out annotations of crowds, which count as presence otherwise.

    Returns:
        One record per image, in the order of the files; its id is the file name without suffix.
        The names of the classes, 'background' first, then in the order of the category ids.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If a file is no whole JSON file or no instances annotation, names an unknown
            image or category, or has an image or other categories than another file; names both.
    """
    found: dict[str, ImageLabels] = {}
    names: list[str] = []
    for path in paths:
        own_names, images = _image_labels(_load(Path(path)), path, min_area, skip_crowd)
        if names and own_names != names:
            raise InputError(f'{path}: has other categories than {paths[0]}')
        names = own_names
        for image in images:
            if image.id in found:
                raise InputError(f'{path}: image {image.id!r} is there already; name it once')
            found[image.id] = image
    return list(found.values()), ['background', *names]


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise MissingFileError(f'{path}: no such file; {_HINT}')
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:  # of JSON, of its encoding, or of its depth
        raise InputError(
            f'{path}: not a JSON file, or cut off ({error}); download it again, {_HINT}'
        ) from error
    for key in ('images', 'annotations', 'categories'):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise InputError(f'{path}: holds no list {key!r}; {_HINT}')
    return content


def _image_labels(
    content: Mapping[str, Any], path: str | Path, min_area: float, skip_crowd: bool
) -> tuple[list[str], list[ImageLabels]]:
    """The class names of one file, in the order of their ids, and the labels of its images."""
    names = dict(sorted(_by_id(content, 'categories', 'name', path).items()))
    file_names = _by_id(content, 'images', 'file_name', path)
    order = {category: index for index, category in enumerate(names)}
    labels: dict[int, set[int]] = {image: set() for image in file_names}
    for index, annotation in enumerate(content['annotations']):
        where = f'{path}, annotation {_get(annotation, "id", f"{path}, annotation no. {index}")}'
        image, category = (_get(annotation, key, where) for key in ('image_id', 'category_id'))
        for key, value, known in (('image', image, labels), ('category', category, order)):
            if not isinstance(value, int) or value not in known:
                raise InputError(f'{where}: unknown {key} {value!r}')
        area = _get(annotation, 'area', where) if min_area > 0 else 0
        if not isinstance(area, int | float):
            raise InputError(f'{where}: area {area!r}; {_HINT}')
        if area >= min_area and not (skip_crowd and annotation.get('iscrowd')):
            labels[image].add(order[category])
    images = [
        ImageLabels(_image_id(name), tuple(sorted(labels[image])))
        for image, name in file_names.items()
    ]
    return list(names.values()), images


def _image_id(file_name: str) -> str:
    """The file name without suffix; Windows writes folders with backslashes."""
    return str(PurePosixPath(file_name.replace('\\', '/')).with_suffix(''))


def _by_id(content: Mapping[str, Any], key: str, value: str, path: str | Path) -> dict[int, str]:
    found: dict[int, str] = {}
    for index, entry in enumerate(content[key]):
        where = f'{path}, {key} no. {index}'
        number, text = _get(entry, 'id', where), _get(entry, value, where)
        if not isinstance(number, int) or not isinstance(text, str) or not text:
            raise InputError(f'{where}: id {number!r} with {value} {text!r}; {_HINT}')
        if number in found:
            raise InputError(f'{where}: id {number} is there already')
        found[number] = text
    return found


def _get(entry: Any, key: str, where: str) -> Any:
    if not isinstance(entry, dict) or key not in entry:
        raise InputError(f'{where}: has no {key!r}; {_HINT}')
    return entry[key]


if __name__ == '__main__':
    main()
