#!/usr/bin/env python
"""Check that a folder holds a saliency map of the right size for every image of a list.

Example: python tools/dataset_converters/check_saliency.py data/VOCdevkit/VOC2012/saliency_map
    data/VOCdevkit/VOC2012/ImageSets/Segmentation/train_aug.txt
    --images data/VOCdevkit/VOC2012/JPEGImages
"""

from collections.abc import Sequence
from pathlib import Path

from mmdrs.cli.arguments import command, command_parser
from mmdrs.datasets.content_checks import file_problems, saliency_value_problems
from mmdrs.datasets.file_checks import FolderIndex, existing_folder
from mmdrs.datasets.label_lists import read_id_list
from mmdrs.errors import InputError, MissingFileError
from mmdrs.findings import raise_errors


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = command_parser(__doc__)
    parser.add_argument('saliency_dir', type=Path, help='folder of the saliency maps')
    parser.add_argument('list', type=Path, help='list of images, with or without labels')
    parser.add_argument('--images', type=Path, required=True, help='folder of the images')
    parser.add_argument('--suffix', default='.png', help='ending of the saliency maps')
    parser.add_argument('--img-suffix', default='.jpg', help='ending of the images')
    args = parser.parse_args(argv)
    ids = [image.id for image in read_id_list(args.list)]
    check_saliency(args.saliency_dir, ids, args.images, args.suffix, args.img_suffix)
    print(f'{args.saliency_dir}: {len(ids)} saliency maps, all of the right size')


def check_saliency(
    saliency_dir: str | Path,
    ids: Sequence[str],
    image_dir: str | Path,
    saliency_suffix: str = '.png',
    img_suffix: str = '.jpg',
) -> None:
    """Check that every image has a saliency map of its size, with possible values.

    Args:
        saliency_dir: Folder of the maps ``<id><saliency_suffix>``.
        ids: Image ids; those of own lists may end in ``img_suffix``.
        image_dir: Folder of the images.
        saliency_suffix: Ending of the maps.
        img_suffix: Ending of the images.

    Raises:
        MissingFileError: If a folder, images or maps are missing.
        InputError: If files are damaged, or maps have another size than their image, another mode,
            or an impossible range of values.
    """
    ids = [name.removesuffix(img_suffix) for name in ids]
    folders = dict(
        img_path=(image_dir, 'images', img_suffix),
        saliency_path=(saliency_dir, 'saliency maps', saliency_suffix),
    )
    files = {
        kind: [str(existing_folder(folder, content) / f'{name}{end}') for name in ids]
        for kind, (folder, content, end) in folders.items()
    }
    titles = {kind: f'{folder}, {content}' for kind, (folder, content, _) in folders.items()}
    judges = dict(saliency_path=saliency_value_problems)
    missing, wrong = file_problems(files, titles, {}, judges, FolderIndex())
    raise_errors(missing + wrong, MissingFileError if missing else InputError)


if __name__ == '__main__':
    main()
