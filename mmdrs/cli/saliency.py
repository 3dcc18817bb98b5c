"""Make a saliency map of each image of a folder, the usual background cue of pseudo labels.

    mmdrs saliency photos saliency_map
    mmdrs saliency photos saliency_map --model rembg:isnet-general-use
    mmdrs saliency photos saliency_map --model masks_of_another_program

--model is one of:
  rembg[:NETWORK]  a network of rembg, u2netp by default (pip install 'mmdrs[saliency]'); it
                   downloads its weights at the first use
  spectral         the spectral residual, which needs no weights and is weak
  FOLDER           maps or cut-outs that another program has made
  auto             rembg where it is installed, else spectral

Each map has the size of its image and the values 0..255. A stopped run goes on where it was. What
made the maps is written beside them (saliency.json), and the records of scores say it.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from mmdrs.apis.saliency import SaliencySummary, make_saliency
from mmdrs.cli.arguments import command, command_parser
from mmdrs.datasets.image_folder import find_images
from mmdrs.engine import Progress
from mmdrs.errors import InputError, first_lines
from mmdrs.pseudo_labels.saliency import SpectralResidual, saliency_model

#: Of the images; from so many on, empty maps are no exception.
_MANY_EMPTY = 0.05


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = command_parser(__doc__)
    parser.add_argument('images', type=Path, help='folder of images, with all its folders')
    parser.add_argument('out', type=Path, help='folder of the maps <id>.png')
    parser.add_argument('--model', default='auto', metavar='MODEL', help='see above')
    args = parser.parse_args(argv)
    images = find_images([args.images], args.out)
    model = saliency_model(args.model)
    if isinstance(model, SpectralResidual):
        print(
            'spectral residual: no network, so weak maps; pip install '
            "'mmdrs[saliency]' for those of rembg",
            file=sys.stderr,
        )
    summary = make_saliency(images, args.out, model, Progress('saliency maps'))
    print('\n'.join(_report(args.out, model.source, summary)))
    if summary.failed:
        lines = [f'{name}: {reason}' for name, reason in summary.failed.items()]
        raise InputError(f'{len(lines)} images have no map:\n{first_lines(lines)}')


def _report(out: Path, source: str, summary: SaliencySummary) -> list[str]:
    """What was made, what looks wrong, and how to use it."""
    shares = sorted(summary.salient.values())
    lines = [f'{out}: {summary.made} maps made, {summary.kept} there already, by {source}']
    if not shares:
        return lines
    middle = shares[len(shares) // 2]
    lines.append(f'salient pixels: {100 * middle:.0f} % of an image (median)')
    empty = summary.empty()
    if len(empty) > _MANY_EMPTY * len(shares):
        lines.append(
            f'warning: {len(empty)} of {len(shares)} maps have no salient pixel, such as '
            f'{empty[0]}.png: their labels would be background only'
        )
    lines.append(
        f"use them: saliency_dir={str(out.resolve())!r} and background_cue=dict(type='saliency') "
        'in the settings; mmdrs init does it for a folder saliency_map of the data'
    )
    return lines
