"""The authors' released checkpoints, recognised by their keys and renamed to ours."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from mmdrs.errors import InputError

#: Keys below which the released training scripts keep the weights, next to the training state.
_WEIGHTS = ('model', 'model_state', 'state_dict')
_COUNTER = 'num_batches_tracked'


@dataclass(frozen=True)
class Rule:
    """How the keys that match a pattern are renamed.

    Attributes:
        pattern: Matches a whole released key.
        target: Our key, as a template for :meth:`re.Match.expand`, or a function of the match.
            None: the key is left out.
        roll: By how many input channels the tensor is rotated, because the released code
            concatenates feature maps in another order.
    """

    pattern: str
    target: str | Callable[[re.Match], str] | None
    roll: int = 0

    def rename(self, match: re.Match) -> str | None:
        if self.target is None:
            return None
        return self.target(match) if callable(self.target) else match.expand(self.target)


@dataclass(frozen=True)
class Format:
    """One kind of released checkpoint.

    Attributes:
        name: What it is, for messages.
        config: The config whose model takes it, below ``configs/``.
        rules: Its keys.
        backbone_only: It holds no more than the model's backbone, for ``init_cfg``.
    """

    name: str
    config: str
    rules: tuple[Rule, ...]
    backbone_only: bool = False

    def match(self, key: str) -> tuple[Rule, re.Match] | None:
        """The rule of a released key."""
        for rule in self.rules:
            match = re.fullmatch(rule.pattern, key)
            if match:
                return rule, match
        return None


# --- VGG-16 -------------------------------------------------------------------------------------
# Our `backbone.features` has torchvision's indices; DRS layers are named after the ReLU they
# replace, one behind the convolution.
#: Index in ``features`` of the convolutions, by their second name in the released files.
VGG_CONVS = {
    f'layer{stage}_conv{conv}': index
    for (stage, conv), index in zip(
        [(s, c) for s, depth in enumerate((2, 2, 3, 3, 3), 1) for c in range(1, depth + 1)],
        (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
        strict=True,
    )
}
_VGG_RELUS = {name.replace('conv', 'relu'): index + 1 for name, index in VGG_CONVS.items()}
_VGG_RULES = (
    # Every pretrained convolution is in the file twice, under both names.
    Rule(
        rf'features\.({"|".join(map(str, VGG_CONVS.values()))})\.(weight|bias)',
        r'backbone.features.\1.\2',
    ),
    Rule(
        rf'({"|".join(VGG_CONVS)})\.(weight|bias)',
        lambda match: f'backbone.features.{VGG_CONVS[match[1]]}.{match[2]}',
    ),
    Rule(
        r'extra_conv([123])\.(weight|bias)',
        lambda match: f'backbone.extra.{2 * int(match[1]) - 2}.{match[2]}',
    ),
    Rule(r'extra_conv4\.(weight|bias)', r'decode_head.conv_seg.\1'),
)
_DRS_RULES = (
    Rule(
        rf'({"|".join(_VGG_RELUS)})\.fc\.0\.weight',
        lambda match: f'backbone.drs.features_{_VGG_RELUS[match[1]]}.controller.weight',
    ),
    Rule(
        r'extra_relu([123])\.fc\.0\.weight',
        lambda match: f'backbone.drs.extra_{2 * int(match[1]) - 1}.controller.weight',
    ),
)


# --- ResNet-101 of Caffe ------------------------------------------------------------------------
_BLOCK_PARTS = dict(
    reduce=('conv1', 'bn1'),
    conv3x3=('conv2', 'bn2'),
    increase=('conv3', 'bn3'),
    shortcut=('downsample.0', 'downsample.1'),
)


def _caffe_rules(released: str, ours: str) -> tuple[Rule, ...]:
    def block(match: re.Match) -> str:
        stage, number, part, kind, parameter = match.groups()
        name = _BLOCK_PARTS[part][kind == 'bn']
        return f'{ours}layer{int(stage) - 1}.{int(number) - 1}.{name}.{parameter}'

    return (
        Rule(released + r'layer1\.conv1\.(conv|bn)\.(\w+)', ours + r'\g<1>1.\2'),
        Rule(
            released + r'layer([2-5])\.block(\d+)\.(reduce|conv3x3|increase|shortcut)'
            r'\.(conv|bn)\.(\w+)',
            block,
        ),
    )


# --- DeepLabV3+ ---------------------------------------------------------------------------------
_LOW_LEVEL, _WIDTH = 48, 256


def _conv_norm(index: int, template: str) -> Callable[[re.Match], str]:
    """Rename 'N.parameter' of a convolution (N = index) or its batch norm (index + 1)."""

    def rename(match: re.Match) -> str:
        *before, number, parameter = match.groups()
        part = 'bn' if int(number) > index else 'conv'
        return template.format(*before) + f'.{part}.{parameter}'

    return rename


_V3PLUS_HEAD = 'decode_head.'
_V3PLUS_RULES = (
    Rule(
        r'(backbone\.(?:conv1|bn1|layer[1-4]\.\d+\.(?:conv[123]|bn[123]|downsample\.[01]))\.\w+)',
        r'\1',
    ),
    Rule(r'classifier\.project\.([01])\.(\w+)', _conv_norm(0, _V3PLUS_HEAD + 'c1_bottleneck')),
    Rule(
        r'classifier\.aspp\.convs\.([0-3])\.([01])\.(\w+)',
        _conv_norm(0, _V3PLUS_HEAD + 'aspp_modules.{}'),
    ),
    Rule(
        r'classifier\.aspp\.convs\.4\.([12])\.(\w+)', _conv_norm(1, _V3PLUS_HEAD + 'image_pool.1')
    ),
    # Released: convolutions, then image pooling; MMSegmentation: image pooling first.
    Rule(
        r'classifier\.aspp\.project\.0\.weight',
        _V3PLUS_HEAD + 'bottleneck.0.conv.weight',
        roll=_WIDTH,
    ),
    Rule(r'classifier\.aspp\.project\.1\.(\w+)', _V3PLUS_HEAD + r'bottleneck.0.bn.\1'),
    # Released: low-level features first; MMSegmentation: last.
    Rule(
        r'classifier\.classifier\.0\.weight',
        _V3PLUS_HEAD + 'sep_bottleneck.conv.weight',
        roll=-_LOW_LEVEL,
    ),
    Rule(r'classifier\.classifier\.1\.(\w+)', _V3PLUS_HEAD + r'sep_bottleneck.bn.\1'),
    Rule(r'classifier\.classifier\.3\.(weight|bias)', _V3PLUS_HEAD + r'conv_seg.\1'),
)

FORMATS = (
    Format(
        'VGG-16 with learnable DRS (DRS_learnable/best.pth)',
        'drs/drs-learnable_vgg16_2xb5-15e_voc12-320x320.py',
        (*_VGG_RULES, *_DRS_RULES),
    ),
    Format(
        'refinement network (Refine_DRS_learnable/best.pth), or a classifier of constant delta',
        'refine/refine_vgg16_2xb5-30e_voc12-320x320.py',
        _VGG_RULES,
    ),
    Format(
        'DeepLabV2-ResNet-101 with MSC (checkpoint_final.pth)',
        'deeplab/deeplabv2-msc_r101-d8_1xb5-20k_voc12drs-321x321.py',
        (
            *_caffe_rules(r'base\.', 'backbone.'),
            Rule(r'base\.aspp\.c([0-3])\.(weight|bias)', r'decode_head.convs.\1.\2'),
        ),
    ),
    Format(
        'DeepLabV3+-ResNet-101 (best_deeplabv3plus_resnet101_voc_os16.pth)',
        'deeplab/deeplabv3plus-plain_r101-d16_2xb16-20k_voc12drs-513x513.py',
        _V3PLUS_RULES,
    ),
    Format(
        'Caffe-style ResNet-101 trained on COCO (deeplabv1_resnet101-coco.pth)',
        'deeplab/deeplabv2-msc_r101-d8_1xb5-20k_voc12drs-321x321.py',
        # Its 1 x 1 classifier knows the classes of COCO.
        (*_caffe_rules('', ''), Rule(r'fc\.(weight|bias)', None)),
        backbone_only=True,
    ),
)


@dataclass(frozen=True)
class Converted:
    """A released checkpoint in our names.

    Attributes:
        format: What it is.
        weights: State dict of our model (of its backbone where ``format.backbone_only``).
        doubled: Released keys that held a second copy of a tensor.
        left_out: Released keys that our model has no use for.
        training_state: What else the file carried, by name, described; it is not carried over.
    """

    format: Format
    weights: dict[str, Tensor]
    doubled: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    training_state: dict[str, str] = field(default_factory=dict)


def convert(checkpoint: Any, source: str = 'checkpoint') -> Converted:
    """Recognise a released checkpoint and rename its keys.

    Args:
        checkpoint: What was saved: a state dict, or a dict that holds one as ``model``,
            ``model_state`` or ``state_dict``.
        source: Name of the file, for messages.

    Raises:
        ValueError: If it is none of :data:`FORMATS` (names the first unexpected key), or two
            copies of one tensor differ.
    """
    weights, training_state = _split(checkpoint, source)
    form = _recognise(list(weights), source)
    converted = Converted(form, {}, training_state=training_state)
    for key, tensor in weights.items():
        rule, match = form.match(key)
        target = rule.rename(match)
        if target is None:
            converted.left_out.append(key)
        elif target not in converted.weights:
            rolled = tensor.roll(rule.roll, dims=1) if rule.roll else tensor
            converted.weights[target] = rolled.clone()
        elif torch.equal(converted.weights[target], tensor):
            converted.doubled.append(key)
        else:
            raise InputError(
                f"'{source}' holds the convolution {key} twice, as the released code saves it, "
                'but the two copies differ'
            )
    return converted


def load_converted(model: nn.Module, converted: Converted, source: str = 'checkpoint') -> None:
    """Load converted weights into our model, strictly.

    Counters of batch norms (``num_batches_tracked``) may be missing: old PyTorch had none.

    Args:
        model: The segmentor of ``converted.format.config``.
        converted: The weights; a backbone's go into ``model.backbone``.
        source: Name of the file, for messages.

    Raises:
        ValueError: If a key is missing, unexpected, or of another shape; names the first.
    """
    target = model.backbone if converted.format.backbone_only else model
    wanted = target.state_dict()
    for key, tensor in wanted.items():
        if key not in converted.weights:
            if key.endswith(_COUNTER):
                converted.weights[key] = tensor
                continue
            raise InputError(f"'{source}' is incomplete: it has nothing for {key} of our model")
        found = tuple(converted.weights[key].shape)
        if found != tuple(tensor.shape):
            raise InputError(
                f"'{source}': {key} has the shape {found}, our model {tuple(tensor.shape)}; is it "
                'of another number of classes?'
            )
    extra = [key for key in converted.weights if key not in wanted]
    if extra:
        raise InputError(f"'{source}' holds {extra[0]}, which our model does not have")
    target.load_state_dict(converted.weights)


def _split(checkpoint: Any, source: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The weights of a file, without ``module.``, and what else is in it, described."""
    if not isinstance(checkpoint, Mapping):
        raise InputError(f"'{source}' holds no state dict, but {type(checkpoint).__name__}")
    name = next((n for n in _WEIGHTS if isinstance(checkpoint.get(n), Mapping)), None)
    weights = checkpoint if name is None else checkpoint[name]
    rest = {} if name is None else {k: v for k, v in checkpoint.items() if k != name}
    for key, value in weights.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise InputError(f"'{source}' holds no state dict: {key!r} is no tensor")
    weights = {key.removeprefix('module.'): value for key, value in weights.items()}
    return weights, {str(key): _describe(value) for key, value in rest.items()}


def _describe(value: Any) -> str:
    """What a piece of training state is, in a few words."""
    if isinstance(value, Mapping) and 'param_groups' in value:
        groups, states = len(value['param_groups']), len(value.get('state', {}))
        return f'optimizer with {groups} groups, state of {states} parameters'
    if isinstance(value, Mapping):
        return f'{len(value)} entries: {", ".join(map(str, list(value)[:4]))}'
    return str(value) if not isinstance(value, Tensor) else f'tensor {tuple(value.shape)}'


def _recognise(keys: list[str], source: str) -> Format:
    """The format that knows all keys; the plainest of those that do."""
    unknown = {form: [k for k in keys if form.match(k) is None] for form in FORMATS}
    fitting = [form for form in FORMATS if keys and not unknown[form]]
    if fitting:
        return min(fitting, key=lambda form: len(form.rules))
    closest = min(FORMATS, key=lambda form: len(unknown[form]))
    if len(unknown[closest]) < len(keys):
        reason = f"its keys are those of '{closest.name}' but for {unknown[closest][0]!r}"
    else:
        reason = f'its first key is {keys[0]!r}' if keys else 'it is empty'
    names = '; '.join(form.name for form in FORMATS)
    raise InputError(f"'{source}' is none of the released checkpoints: {reason}. Known: {names}")
