"""Look at a folder of photographs and write the settings that train on them.

    mmdrs init photos --out settings.py
    mmdrs init export --format coco --images photos --out settings.py --checkpoint mobilenet_v2.pth

The folder holds class folders, or images with a list, a table, an export of COCO, LabelMe, CVAT,
VOC or YOLO, or labels in the names of the images ([1101]). Masks (SegmentationClass, masks) serve
for scores only. Lists are written into a folder beside the settings; your files stay as they are.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from mmdrs.apis.checkpoint import require_checkpoint
from mmdrs.cli.arguments import command, command_parser
from mmdrs.cli.label_source import (
    add_label_arguments,
    check_label_arguments,
    read_options,
    refuse_existing,
    summary,
)
from mmdrs.datasets.label_formats.colour_table import read_colour_table
from mmdrs.datasets.label_formats.detection import chosen_format
from mmdrs.datasets.label_formats.labelled import Source
from mmdrs.datasets.label_formats.list_writer import write_label_list
from mmdrs.datasets.label_formats.locating import LocatedImages, locate_images
from mmdrs.datasets.label_formats.masks import find_table
from mmdrs.errors import InputError
from mmdrs.files import written_whole
from mmdrs.pipeline.new_settings.index_masks import write_index_masks
from mmdrs.pipeline.new_settings.parts import Parts, choose_parts
from mmdrs.pipeline.new_settings.recipe import Recipe, choose_recipe
from mmdrs.pipeline.new_settings.survey import (
    MapFolder,
    find_masks,
    find_saliency,
    image_sizes,
)
from mmdrs.pipeline.new_settings.template import DataLines, settings_text

#: Pixels of the longer side from which reading an image takes longer than training on it.
_LARGE = 1600


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = _parse(argv)
    lists = [list_folder(args.out) / f'{part}_cls.csv' for part in ('train', 'val')]
    refuse_existing([args.out, *lists, mask_folder(args.out)], args.overwrite)
    checkpoint = _checkpoint(args.checkpoint)
    source, located = _read(args, [*lists, mask_folder(args.out)])
    files, labelled = source.files, located.labelled
    masks = find_masks(source.root, files, labelled.images, labelled.classes)
    masks = _as_indices(args, source, masks, labelled.classes)
    saliency = find_saliency(files, labelled.images)
    for found, kind in ((masks, 'masks'), (saliency, 'saliency maps')):
        _say_found(found, kind)
    parts = choose_parts(labelled, masks, args.split, args.seed)
    recipe = _recipe(parts, located.folder)
    data = _data_lines(args, located, parts, masks, saliency)
    for path, images in zip(lists, (parts.train, parts.val), strict=True):
        if images:
            write_label_list(path, images, labelled.classes)
            print(summary(path, images, labelled.classes))
    text = settings_text(args.out.name, data, recipe, checkpoint)
    with written_whole(args.out) as temporary:
        temporary.write_text(text, encoding='utf-8')
    print(f'{args.out}: look through it, then run\n  mmdrs run {args.out} --work-dir run')


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse and check the command line."""
    parser = command_parser(__doc__)
    parser.add_argument('folder', type=Path, help='folder of the photographs')
    parser.add_argument('--out', type=Path, default=Path('settings.py'), help='file to write')
    add_label_arguments(parser)
    parser.add_argument(
        '--checkpoint',
        default='',
        metavar='FILE',
        help="weights of the backbone, or 'none' to train from scratch; default: ImageNet's",
    )
    args = parser.parse_args(argv)
    check_label_arguments(parser, args)
    if not args.folder.is_dir():
        raise InputError(f'{args.folder}: no such folder; give the folder of the photographs')
    if args.out.suffix != '.py':
        raise InputError(f'{args.out}: settings end in .py')
    return args


def list_folder(settings: Path) -> Path:
    """The folder of the lists of a settings file."""
    return settings.with_name(f'{settings.stem}_lists')


def mask_folder(settings: Path) -> Path:
    """The folder of masks that are written as class indices."""
    return settings.with_name(f'{settings.stem}_masks')


def _checkpoint(given: str) -> str | None:
    """The weights as the settings name them; None is a training from scratch."""
    if given in ('', 'none'):
        return None if given else ''
    found = require_checkpoint(given)
    return found if '://' in found else os.path.abspath(found)


def _read(args: argparse.Namespace, own: Sequence[Path]) -> tuple[Source, LocatedImages]:
    """Read the labels and find the images."""
    source, options = Source(args.folder, frozenset(own)), read_options(args)
    detected = chosen_format(source, args.format, options)
    print(detected.describe())
    found = detected.read(source, options)
    if not found.named:
        print('The labels have no names of the classes: give them in their order with --classes.')
    located = locate_images(found, source.root, args.images)
    print(f'{len(found.images)} images below {located.folder}')
    return source, located


def _as_indices(
    args: argparse.Namespace, source: Source, masks: MapFolder | None, classes: Sequence[str]
) -> MapFolder | None:
    """Masks of class indices in the place of those of colours, or of 0 and 255."""
    table = args.colours or find_table(source)
    binary = masks is not None and masks.kind == 'binary' and len(classes) == 1
    if masks is None or not (binary or (masks.kind == 'colours' and table)):
        return masks
    colours = None if binary or not table else read_colour_table(table)
    if colours and {*filter(None, colours.values())} - {*classes}:
        return masks
    out = mask_folder(args.out)
    print(f'{masks.folder}: {len(masks.ids)} masks, written as class indices into {out}')
    return write_index_masks(source.root, masks, out, classes, colours)


def _say_found(found: MapFolder | None, kind: str) -> None:
    if found is None:
        print(f'{kind}: none')
    elif found.fault:
        print(f'{kind}: those of {found.folder} are not used: {found.fault}')
    else:
        print(f'{kind}: {len(found.ids)} in {found.folder}')


def _recipe(parts: Parts, folder: Path) -> Recipe:
    sizes = image_sizes([folder / image.id for image in (*parts.train, *parts.val)])
    longest = sorted(max(size) for size in sizes)[len(sizes) // 2]
    if longest > _LARGE:
        print(
            f'The images are up to {longest} pixels wide and high: copies of at most {_LARGE} are '
            'read much faster.'
        )
    if parts.left_out:
        print(f'{parts.left_out} images for tests are left out')
    return choose_recipe(len(parts.train), sizes)


def _data_lines(
    args: argparse.Namespace,
    located: LocatedImages,
    parts: Parts,
    masks: MapFolder | None,
    saliency: MapFolder | None,
) -> DataLines:
    root, lists = args.folder.absolute(), list_folder(args.out.absolute())
    folder = located.folder.absolute()
    inside = folder.is_relative_to(root)
    val = str(lists / 'val_cls.csv') if parts.val else None
    scored = parts.train_masks and (parts.val_masks or not parts.val)
    return DataLines(
        classes=('background', *located.labelled.classes),
        dataset_name=root.resolve().name,
        data_root=os.path.normpath(root),
        train_list=str(lists / 'train_cls.csv'),
        val_list=val if scored else None,
        eval_list=None if scored else val,
        image_dir=folder.relative_to(root).as_posix() if inside else str(folder),
        mask_dir=masks.folder if masks and scored else None,
        eval_mask_dir=masks.folder if masks and parts.val_masks and not scored else None,
        saliency_dir=saliency.folder if saliency and not saliency.fault else None,
    )
