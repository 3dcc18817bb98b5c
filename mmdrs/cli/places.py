"""List the modules of a config's backbone where DRS can go.

    mmdrs places mmdrs::mix/pspnet_drs-d055_r50-d8_4xb4-20k_voc12aug-512x512.py
    mmdrs places mmseg::unet/CONFIG.py --all

A name of the list is one of DRSBackbone's `layers`; NAME@K is one run of a module that runs
several times. Shown are stages, blocks and activations with more than one position, and the places
of layers='default' and of the config itself; --all shows every module whose output is a feature
map (nchw, nhwc) or tokens (nlc). Shapes and signs are those of noise, without weights.
"""

from collections.abc import Collection, Iterator, Sequence

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from prettytable import PrettyTable
from torch import nn

from mmdrs.apis import load_config, require_network
from mmdrs.cli.arguments import add_options_argument, command, config_parser
from mmdrs.errors import InputError, blamed_on
from mmdrs.models.backbones.drs_backbone import DRSBackbone, select_layers
from mmdrs.models.backbones.places import Place, Run, describe_places, runs_of
from mmdrs.models.backbones.presets import find_preset

HEADER = ('place', 'type', 'output shape', 'layout', 'rectified', 'DRS')
# By how much height and width of a second input are larger, to tell positions from channels.
GROWTH = 64


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = config_parser(__doc__)
    parser.add_argument(
        '--input-shape',
        nargs=3,
        type=int,
        metavar=('3', 'H', 'W'),
        help="size of the noise; default DRSBackbone's, 3 64 64",
    )
    parser.add_argument('--all', action='store_true', help='every module that DRS can follow')
    add_options_argument(parser)
    args = parser.parse_args(argv)
    cfg = load_config(args.config, args.cfg_options, settings=args.settings)
    require_network(cfg)
    for line in report(cfg, args.input_shape, args.all):
        print(line)


def report(cfg: Config, input_shape: Sequence[int] | None, show_all: bool) -> Iterator[str]:
    """The lines that the tool prints.

    Args:
        cfg: A config with ``model.backbone``.
        input_shape: Channels, height, width; None is that of the config's ``DRSBackbone``.
        show_all: Every place, not only the usual ones.
    """
    config, wrapped = _backbone_config(cfg)
    shape = tuple(input_shape or wrapped.get('input_shape', (3, 64, 64)))
    with blamed_on(f'the backbone {config["type"]} cannot be built'):
        backbone = MODELS.build(config)
    runs = _probe(backbone, shape)
    larger = _probe_larger(backbone, shape)
    notes, default = _default_places(backbone, runs)
    if larger is None:
        notes.append('It takes this input size only: channels-last maps are listed as nchw')
    used = set(select_layers(backbone, wrapped.get('layers', 'default'), runs)) if wrapped else ()
    places = describe_places(backbone, runs, larger or runs)
    shown = [p for p in places if show_all or p.usual or p.name in default or p.name in used]
    yield f'{type(backbone).__name__}, input {" x ".join(map(str, shape))}'
    yield ''
    table = PrettyTable(HEADER, border=False, align='l', padding_width=0, right_padding_width=2)
    table.add_rows([list(_row(place, default, used)) for place in shown])
    yield from (line.rstrip() for line in table.get_string().splitlines())
    yield ''
    hidden = len(places) - len(shown)
    yield f'{len(shown)} places' + (f', {hidden} more with --all' if hidden else '')
    yield from notes


def _backbone_config(cfg: Config) -> tuple[dict, dict]:
    """The config of the backbone without DRS, and that of the ``DRSBackbone`` around it or {}."""
    init_default_scope(cfg.get('default_scope') or 'mmseg')
    model = cfg.get('model') or {}
    model = model.get('module') or model  # with test-time augmentation
    config = model.get('backbone')
    if not config or 'type' not in config:
        raise InputError(f"the config '{cfg.filename}' has no model.backbone")
    kind = config['type']
    if (MODELS.get(kind) if isinstance(kind, str) else kind) is not DRSBackbone:
        return config, {}
    if 'backbone' not in config:
        raise InputError(f"the DRSBackbone of '{cfg.filename}' has no backbone")
    return config['backbone'], config


def _probe(backbone: nn.Module, shape: Sequence[int]) -> dict[str, list[Run]]:
    size = ' x '.join(map(str, shape))
    name = type(backbone).__name__
    with blamed_on(f'{name} fails on an input of {size}; choose another with --input-shape'):
        return runs_of(backbone, shape)


def _probe_larger(backbone: nn.Module, shape: Sequence[int]) -> dict[str, list[Run]] | None:
    """The runs with a larger input; None for a backbone of one input size (BEiT)."""
    channels, height, width = shape
    try:
        return _probe(backbone, (channels, height + GROWTH, width + GROWTH))
    except InputError:
        return None


def _default_places(
    backbone: nn.Module, runs: dict[str, list[Run]]
) -> tuple[list[str], dict[str, dict]]:
    """Notes on ``layers='default'``; its places with their options, none if it does not fit."""
    preset = find_preset(backbone)
    if preset is None:
        return [f"{type(backbone).__name__} has no layers='default': name the layers"], {}
    try:
        places = select_layers(backbone, 'default', runs)
    except InputError as error:
        return [f"layers='default' does not fit this backbone: {error}"], {}
    if not preset.options:
        return [], places
    options = ', '.join(f'{key}={value!r}' for key, value in preset.options.items())
    return [f"layers='default' sets {options}; layers by name need it in drs=dict(...)"], places


def _row(place: Place, default: Collection[str], used: Collection[str]) -> tuple[str, ...]:
    marks = {'default': place.name in default, 'in use': place.name in used}
    return (
        *(place.name, place.kind, str(place.shape), place.layout),
        'yes' if place.rectified else 'no',
        ', '.join(mark for mark, applies in marks.items() if applies),
    )
