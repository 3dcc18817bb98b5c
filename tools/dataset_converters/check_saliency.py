#!/usr/bin/env python
"""Check that a folder holds a saliency map of the right size for every image of a list.

Example: python tools/dataset_converters/check_saliency.py data/VOCdevkit/VOC2012/saliency_map
    data/VOCdevkit/VOC2012/ImageSets/Segmentation/train_aug.txt
    --images data/VOCdevkit/VOC2012/JPEGImages
"""

from collections.abc import Sequence
from pathlib import Path

from mmdrs.cli.arguments import command, command_parser
from mmdrs.datasets.content_checks import check_saliency
from mmdrs.datasets.label_lists import read_id_list


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


if __name__ == '__main__':
    main()
