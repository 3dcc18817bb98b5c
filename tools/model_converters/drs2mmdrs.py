"""Convert a checkpoint of the authors' released code.

    python tools/model_converters/drs2mmdrs.py SRC DST

Which one it is (classifier, refinement network, DeepLabV2, DeepLabV3+, or the Caffe-style ResNet
of COCO that DeepLabV2 starts from) is recognised from its keys. The result runs with
``tools/test.py`` and the config that is printed.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from released_checkpoints import Converted, convert, load_converted

from mmdrs.apis import load_config, read_checkpoint
from mmdrs.cli.arguments import command
from mmdrs.files import written_whole
from mmdrs.version import __version__

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('src', help='released checkpoint')
    parser.add_argument('dst', help='file to write')
    return parser.parse_args(argv)


def report(converted: Converted, src: str, dst: str) -> str:
    """What was found, what was not carried over, and how to go on."""
    lines = [f'{src}: {converted.format.name}']
    if converted.doubled:
        lines.append(f'  {len(converted.doubled)} tensors were in it twice and are kept once')
    if converted.left_out:
        lines.append(f'  left out: {", ".join(converted.left_out)}')
    for key, value in converted.training_state.items():
        lines.append(f'  training state, not carried over: {key} = {value}')
    config = f'configs/{converted.format.config}'
    if converted.format.backbone_only:
        lines.append(
            f'{dst}: {len(converted.weights)} tensors, a backbone; start {config} from it with\n'
            f'  --cfg-options model.backbone.init_cfg.checkpoint={dst}'
        )
    else:
        lines.append(
            f'{dst}: {len(converted.weights)} tensors\n  python tools/test.py {config} {dst}'
        )
    return '\n'.join(lines)


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    converted = convert(read_checkpoint(args.src), args.src)
    init_default_scope('mmseg')
    model = MODELS.build(load_config(str(CONFIGS / converted.format.config)).model)
    load_converted(model, converted, args.src)
    meta = dict(mmdrs=__version__, converted_from=Path(args.src).name)
    with written_whole(args.dst) as temporary:
        torch.save(dict(meta=meta, state_dict=converted.weights), temporary)
    print(report(converted, args.src, args.dst))


if __name__ == '__main__':
    main()
