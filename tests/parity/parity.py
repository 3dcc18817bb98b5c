"""Our numbers beside those of the authors' released code, row by row.

Every row is computed through what a user runs: the models are built from the project's configs and
filled through the converter of released checkpoints, optimizers are built by MMEngine from the
configs' ``optim_wrapper``, multi-scale maps come from the configs' ``tta_model``.
"""

import fnmatch
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.models import SegDataPreProcessor
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from mmdrs.apis import InputError, load_config
from mmdrs.models.decode_heads.cam_head import image_scores
from mmdrs.models.ops.suppression import controls, suppress
from mmdrs.models.utils.cam import localization_maps, refinement_target, to_levels
from mmdrs.pseudo_labels.fusion import BackgroundCue, fuse_maps
from mmdrs.pseudo_labels.segments import SegmentMerging, Segments
from tests.parity.golden import GoldenFolder
from tests.pipeline_runs import load_tool

released = load_tool('model_converters/released_checkpoints')

#: float32 sums in another order.
TOLERANCE = 1e-4
#: Three SGD steps amplify rounding: the released values are 2.5e-4 away from the same steps in
#: float64, and ours vary by as much with the number of threads.
AFTER_TRAINING = 1e-3
RELATIVE = 'relative to the largest value'
EXACT = 'share of pixels that differ'
ONE_LEVEL = 'share of pixels one level off'


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        name: What is compared.
        difference: The largest difference, in the measure; None where the row could not be made.
        tolerance: What it may be.
        measure: What the difference counts.
        reason: Why there is no difference, else ''.
    """

    name: str
    difference: float | None
    tolerance: float = TOLERANCE
    measure: str = RELATIVE
    reason: str = ''

    @property
    def passed(self) -> bool:
        return self.difference is not None and self.difference <= self.tolerance


@dataclass(frozen=True)
class _Context:
    """Where the golden values and the configs are."""

    golden: GoldenFolder
    configs: Path

    def model(self, config: str, weights: str) -> BaseModel:
        """The model of a config with golden weights, in eval mode; images come normalised."""
        cfg = load_config(str(self.configs / config))
        model = MODELS.build(cfg.model)
        released.load_converted(
            model, released.convert(self.golden.checkpoint(weights), weights), weights
        )
        model.data_preprocessor = SegDataPreProcessor()
        model.eval()
        return model

    def optimizer(self, config: str, model: BaseModel):
        return build_optim_wrapper(model, load_config(str(self.configs / config)).optim_wrapper)


@dataclass(frozen=True)
class _Check:
    """Rows that are computed together.

    Attributes:
        rows: Their names, in the order in which ``compute`` yields them.
        compute: Yields one row after another.
    """

    rows: tuple[str, ...]
    compute: Callable[[_Context], Iterator[Row]]


def relative(
    name: str,
    ours: Tensor | np.ndarray | list[float],
    theirs: np.ndarray,
    tolerance: float = TOLERANCE,
) -> Row:
    """A row of floating-point values: the largest difference over the largest reference value."""
    ours = np.asarray(ours.detach() if isinstance(ours, Tensor) else ours, np.float64)
    if ours.shape != theirs.shape:
        return Row(name, None, reason=f'shape {ours.shape}, reference {theirs.shape}')
    scale = np.abs(theirs).max() or 1.0
    difference = np.abs(ours - theirs).max() / scale
    if not np.isfinite(difference):
        return Row(name, None, reason='values that are not finite')
    return Row(name, float(difference), tolerance)


# --- the layer ----------------------------------------------------------------------------------
DELTAS = (0.3, 0.55, 0.9, 1.0)


def _layer(context: _Context) -> Iterator[Row]:
    data = context.golden.load('drs_layer')
    upstream = torch.from_numpy(data['up'])
    for delta in DELTAS:
        x = torch.from_numpy(data['x']).requires_grad_()
        out = suppress(x, delta)
        out.backward(upstream)
        yield relative(f'DRS delta {delta}: output', out, data[f'const_{delta}_out'])
        yield relative(f'DRS delta {delta}: gradient of x', x.grad, data[f'const_{delta}_gx'])
    x = torch.from_numpy(data['x']).requires_grad_()
    weight = torch.from_numpy(data['w']).requires_grad_()
    out = suppress(x, controls(x, weight))
    out.backward(upstream)
    yield relative('DRS learnable: output', out, data['learn_out'])
    yield relative('DRS learnable: gradient of x', x.grad, data['learn_gx'])
    yield relative('DRS learnable: gradient of W', weight.grad, data['learn_gw'])


_LAYER_ROWS = (
    *(f'DRS delta {d}: {what}' for d in DELTAS for what in ('output', 'gradient of x')),
    *(f'DRS learnable: {what}' for what in ('output', 'gradient of x', 'gradient of W')),
)


# --- the classifier -----------------------------------------------------------------------------
_CLASSIFIER_ROWS = ('logits', 'CAMs', 'multi-scale maps', '3 SGD steps: losses', 'logits after')
_CLASSIFIERS = dict(
    learnable=('drs/drs-learnable_vgg16_2xb5-15e_voc12-320x320.py', 'drs_vgg16'),
    # Without controllers the keys are those of the refinement network.
    delta055=('drs/drs-d055_vgg16_2xb5-15e_voc12-320x320.py', 'refine_vgg16'),
)


def _classifier(variant: str) -> _Check:
    names = [f'VGG-16 {variant}: {row}' for row in _CLASSIFIER_ROWS]
    config, weights = _CLASSIFIERS[variant]

    def compute(context: _Context) -> Iterator[Row]:
        data = context.golden.load(f'vgg16_classifier_{variant}')
        model = context.model(config, weights)
        images = context.golden.image(2, 96, 128, 'cls')
        with torch.no_grad():
            class_maps = model(images)
            size = data['cam'].shape[2:]
            label = torch.from_numpy(data['label'])
            cams = localization_maps(class_maps, size) * label[:, :, None, None]
        yield relative(names[0], image_scores(class_maps), data['logit'])
        yield relative(names[1], cams[:, data['cam_channels']], data['cam'])
        yield _multi_scale(names[2], context, config, model, data)
        yield from _sgd_steps(names[3:], context.optimizer(config, model), model, images, data)

    return _Check(tuple(names), compute)


def _multi_scale(
    name: str, context: _Context, config: str, model: BaseModel, data: dict[str, np.ndarray]
) -> Row:
    """Truncation turns a rounding error into a level: one level in 0.1 % of the pixels may be."""
    tta = MODELS.build(dict(load_config(str(context.configs / config)).tta_model, module=model))
    image = context.golden.image(1, 320, 320, 'loc')[0]
    sample = SegDataSample(metainfo=dict(img_shape=(320, 320), ori_shape=(320, 320)))
    sample.set_data(dict(img_label=torch.from_numpy(data['loc_label'][0])))
    with torch.no_grad():
        inputs = dict(inputs=[[image]], data_samples=[[sample]])
        (merged,) = tta.test_step(inputs)
    levels = to_levels(merged.seg_logits.data.numpy()[1:][data['loc_channels']])
    off = np.abs(levels.astype(int) - data['loc_uint8'])
    share = float((off > 0).mean()) if off.max() <= 1 else 1.0
    return Row(name, share, tolerance=1e-3, measure=ONE_LEVEL)


def _sgd_steps(
    names: list[str],
    optimizer,
    model: BaseModel,
    images: Tensor,
    data: dict[str, np.ndarray],
) -> Iterator[Row]:
    """Losses before each step and logits after: groups, nesterov and decay of the config."""
    samples = [SegDataSample(img_label=torch.from_numpy(row)) for row in data['label']]
    model.train()
    losses = []
    for _ in data['sgd_losses']:
        loss = model(images, samples, mode='loss')['decode.loss_cls']
        losses.append(loss.item())
        optimizer.update_params(loss)
    model.eval()
    with torch.no_grad():
        scores = image_scores(model(images))
    yield relative(names[0], losses, data['sgd_losses'])
    yield relative(names[1], scores, data['logit_after_3_sgd'], AFTER_TRAINING)


# --- refinement ---------------------------------------------------------------------------------
_REFINE_CONFIG = 'refine/refine_vgg16_2xb5-30e_voc12-320x320.py'
_REFINE_ROWS = (
    'refinement: output',
    'refinement: sum of the target',
    'refinement: first gradient of extra_conv1',
    'refinement: 3 Adam steps: losses',
)


def _refinement(context: _Context) -> Iterator[Row]:
    data = context.golden.load('vgg16_refine')
    model = context.model(_REFINE_CONFIG, 'refine_vgg16')
    images = context.golden.image(2, 96, 96, 'ref')
    maps = context.golden.rng('att').random((2, 20, 96, 96)).astype(np.float32)
    maps[:, [c for c in range(20) if c % 7]] = 0
    maps = torch.from_numpy(maps)
    with torch.no_grad():
        output = model.decode_head.maps(model(images), (96, 96))
    yield relative(_REFINE_ROWS[0], output[:, ::5, ::4, ::4], data['out_sub'])
    target = refinement_target(maps).double().sum()
    yield relative(_REFINE_ROWS[1], target, data['target_sum'])

    samples = []
    for item in maps * 255:  # floating point: the golden maps are not quantised
        samples.append(SegDataSample(gt_localization_map=PixelData(data=item)))
    optimizer = context.optimizer(_REFINE_CONFIG, model)
    losses = []
    for step in range(len(data['losses'])):
        loss = model(images, samples, mode='loss')['decode.loss_mse']
        losses.append(loss.item())
        if step == 0:
            weight = model.backbone.extra[0].weight
            gradient = torch.autograd.grad(loss, weight, retain_graph=True)[0][:4, :4]
        optimizer.update_params(loss)
    yield relative(_REFINE_ROWS[2], gradient, data['grad_extra_conv1'])
    yield relative(_REFINE_ROWS[3], losses, data['losses'])


# --- pseudo labels ------------------------------------------------------------------------------
_LABEL_CASES = 4
_LABEL_VARIANTS = ('written', 'evaluated')


def _pseudo_labels(context: _Context) -> Iterator[Row]:
    data = context.golden.load('pseudo_label')
    cue = BackgroundCue('saliency', threshold=50)
    for case in range(_LABEL_CASES):
        labels = fuse_maps(
            data[f'{case}_maps'], tuple(data[f'{case}_labels']), cue, data[f'{case}_saliency']
        )
        for variant, key, label in zip(
            _LABEL_VARIANTS, ('label_png', 'label_eval'), labels, strict=True
        ):
            share = float((label != data[f'{case}_{key}']).mean())
            yield Row(_label_row(case, variant), share, tolerance=0, measure=EXACT)


def _label_row(case: int, variant: str) -> str:
    return f'pseudo label {case}: {variant}'


_MERGE_CASES = 4
_MERGE_ROW = 'masks merged into pseudo labels'


def _merging(context: _Context) -> Iterator[Row]:
    data = context.golden.load('merge')
    found = [
        SegmentMerging().merge(data[f'{case}_label'], Segments.of_masks(data[f'{case}_masks']))
        for case in range(_MERGE_CASES)
    ]
    wrong = [label != data[f'{case}_merged'] for case, label in enumerate(found)]
    yield Row(_MERGE_ROW, float(np.mean(wrong)), tolerance=0, measure=EXACT)


# --- segmentation -------------------------------------------------------------------------------
_V2_CONFIG = 'deeplab/deeplabv2-msc_r101-d8_1xb5-20k_voc12drs-321x321.py'
_V2_ROWS = (
    'DeepLabV2 MSC: logits',
    *(
        f'DeepLabV2 MSC in training: {name}'
        for name in ('scale 1', 'scale 0.5', 'scale 0.75', 'max')
    ),
)


def _deeplabv2(context: _Context) -> Iterator[Row]:
    data = context.golden.load('deeplabv2_resnet101_msc')
    model = context.model(_V2_CONFIG, 'deeplabv2_resnet101_msc')
    image = context.golden.image(1, 97, 113, 'v2')
    with torch.no_grad():
        yield relative(_V2_ROWS[0], model(image), data['logit'])
        model.train()  # batch norm stays frozen by the config
        outputs = model.pyramid(image)
    for index, (name, output) in enumerate(zip(_V2_ROWS[1:], outputs, strict=True)):
        yield relative(name, output, data[f'train_{index}'])


_V3PLUS_CONFIG = 'deeplab/deeplabv3plus-plain_r101-d16_2xb16-20k_voc12drs-513x513.py'
_V3PLUS_ROW = 'DeepLabV3+: logits'


def _deeplabv3plus(context: _Context) -> Iterator[Row]:
    data = context.golden.load('deeplabv3plus_resnet101')
    model = context.model(_V3PLUS_CONFIG, 'deeplabv3plus_resnet101')
    image = context.golden.image(1, 97, 113, 'v3p')
    meta = dict(img_shape=(97, 113), ori_shape=(97, 113))
    with torch.no_grad():
        logits = model.encode_decode(image, [meta])
    yield relative(_V3PLUS_ROW, logits[:, :, ::3, ::3], data['logit_sub'])


_CHECKS = (
    _Check(_LAYER_ROWS, _layer),
    *(_classifier(variant) for variant in _CLASSIFIERS),
    _Check(_REFINE_ROWS, _refinement),
    _Check(
        tuple(_label_row(c, v) for c in range(_LABEL_CASES) for v in _LABEL_VARIANTS),
        _pseudo_labels,
    ),
    _Check((_MERGE_ROW,), _merging),
    _Check(_V2_ROWS, _deeplabv2),
    _Check((_V3PLUS_ROW,), _deeplabv3plus),
)
#: The names of all rows, in the order of the table.
ROWS = tuple(name for check in _CHECKS for name in check.rows)


def compare(golden: GoldenFolder, configs: Path, only: str = '*') -> Iterator[Row]:
    """Compare, one row after another.

    A row whose golden values are missing comes with the reason and without a difference.

    Args:
        golden: The golden values.
        configs: The project's folder ``configs``.
        only: Rows to be compared, a pattern as of file names.

    Raises:
        ValueError: If ``only`` fits no row.
    """
    wanted = set(fnmatch.filter(ROWS, only))
    if not wanted:
        raise InputError(f"no row is called '{only}'; the rows: {', '.join(ROWS)}")
    init_default_scope('mmseg')
    context = _Context(golden, configs)
    for check in _CHECKS:
        if wanted.isdisjoint(check.rows):
            continue
        yield from (row for row in _made(check, context) if row.name in wanted)


def _made(check: _Check, context: _Context) -> Iterator[Row]:
    """All rows of a check; those whose golden values are missing with the reason."""
    made = 0
    try:
        for row in check.compute(context):
            yield row
            made += 1
    except (FileNotFoundError, KeyError) as error:
        reason = f'no golden values: {error}'
        yield from (Row(name, None, reason=reason) for name in check.rows[made:])
