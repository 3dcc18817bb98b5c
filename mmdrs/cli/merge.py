"""Merge the masks of SAM or another segmenter into finished labels of any method.

    mmdrs merge labels --segments sam --out merged
    mmdrs merge labels --segments sam --out merged --list train.txt --workers 4

LABELS holds labels <id>.png (0 background, class + 1, 255 ignored). --segments holds the masks of
each image, whatever their class: a file <id>.json, COCO's run-length encoding as SAM's generator
of masks gives it, or a folder <id> of PNGs, in which what is not 0 is the mask.

A class takes each mask that lies with more than half of its area in the class's pixels, or covers
85 % of them (arXiv 2305.05803, imp2); lower classes come first, higher ones overwrite. A class
loses those of its pixels that lie in masks which it leaves to later classes or to none. 255 stays
where no mask that is taken covers it. A stopped run goes on where it was.
In a run of mmdrs the same is segments_dir and pseudo_labels.merge of the settings.
"""

from collections.abc import Sequence
from pathlib import Path

from mmdrs.apis.merge import merge_labels
from mmdrs.cli.arguments import command, command_parser
from mmdrs.datasets.label_lists import read_id_list
from mmdrs.engine import Progress
from mmdrs.errors import InputError, MissingFileError
from mmdrs.pseudo_labels.segments import SegmentMerging


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = command_parser(__doc__)
    parser.add_argument('labels', type=Path, help='folder of the labels')
    parser.add_argument('--segments', type=Path, required=True, help='folder of the masks')
    parser.add_argument('--out', type=Path, required=True, help='folder of the merged labels')
    parser.add_argument('--list', type=Path, help='list of the images; else all labels')
    parser.add_argument('--workers', type=int, default=0, help='processes beside this one')
    args = parser.parse_args(argv)
    for folder in (args.labels, args.segments):
        if not folder.is_dir():
            raise MissingFileError(f'there is no folder {folder}')
    if args.list:
        ids = [image.id for image in read_id_list(args.list)]
    else:
        ids = _ids(args.labels, (args.segments, args.out))
    progress = Progress('merged labels')
    made = merge_labels(
        args.labels, args.segments, args.out, ids, SegmentMerging(), args.workers, progress
    )
    print(f'{args.out}: {made} labels merged, {len(ids) - made} there already')


def _ids(labels: Path, others: Sequence[Path]) -> list[str]:
    """The ids of all labels of a folder, but for those in hidden folders and the other ones."""
    left_out = [folder.resolve() for folder in others if folder.resolve() != labels.resolve()]
    found = [
        path.relative_to(labels)
        for path in sorted(labels.rglob('*.png'))
        if not any(folder in path.resolve().parents for folder in left_out)
    ]
    ids = [
        path.with_suffix('').as_posix()
        for path in found
        if not any(part.startswith('.') for part in path.parts)
    ]
    if not ids:
        raise InputError(f'{labels} holds no label <id>.png')
    return ids
