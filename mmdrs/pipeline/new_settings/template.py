"""The text of a settings file, each line with what it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mmdrs.pipeline.new_settings.recipe import Recipe

_HEAD = """\
# Settings of your own data, written by mmdrs init. A key that is not here has the value of
# configs/custom/settings_custom.py, which explains all of them. Run all stages with
#     mmdrs run {name} --work-dir run
_base_ = 'mmdrs::custom/settings_custom.py'
"""
#: Of ImageNet, downloaded at the first run.
_DOWNLOAD = 'mmcls://mobilenet_v2'


#: The lines of the data, in their order, and what each is.
_DATA = dict(
    classes="The classes; 'background' is no label of an image.",
    dataset_name='The name of the data in records.',
    data_root='Folder of the data. Absolute, so that the command works in any folder.',
    train_list='Images to train on, with their labels.',
    val_list='Images to score maps and labels on; None without.',
    eval_list='Images to score the segmentation network on, or to segment without masks.',
    image_dir='Folder of the images, below data_root.',
    image_suffix='Endings of the images: None takes any, in any case.',
    mask_dir='Masks of all listed images, for scores only; None without.',
    eval_mask_dir='Masks of eval_list; None: mask_dir.',
    saliency_dir='Saliency maps, 0..255; None without.',
    segments_dir='Masks of SAM or another segmenter, to merge into labels; None without.',
)


@dataclass(frozen=True)
class DataLines:
    """Values of the settings that say what the data are; paths as they are written."""

    classes: tuple[str, ...]
    dataset_name: str
    data_root: str
    train_list: str
    val_list: str | None
    eval_list: str | None
    image_dir: str
    mask_dir: str | None
    eval_mask_dir: str | None
    saliency_dir: str | None
    segments_dir: str | None = None


def settings_text(name: str, data: DataLines, recipe: Recipe, checkpoint: str | None) -> str:
    """The text of the file.

    Args:
        name: Its name, for the command in its head.
        data: What the data are.
        recipe: Sizes and schedules.
        checkpoint: File of weights; '' are those of ImageNet, to be downloaded, and None is a
            training from scratch.
    """
    parts = (
        _HEAD.format(name=name),
        '# --- Data',
        *_data_lines(data),
        '\n# --- Weights of the backbone, a MobileNetV2',
        *_weight_lines(checkpoint, recipe),
        '\n# --- Sizes and schedules',
        *_size_lines(recipe),
        '\n# --- Pseudo labels',
        *_label_lines(data.saliency_dir is not None),
    )
    return '\n'.join(parts) + '\n'


def _line(key: str, value: Any, comment: str) -> str:
    """``key = value``, with its comment above: both may be long."""
    return f'# {comment}\n{key} = {value!r}'


def _data_lines(data: DataLines) -> Iterator[str]:
    values = dict(vars(data), image_suffix=None)
    return (_line(key, values[key], comment) for key, comment in _DATA.items())


def _weight_lines(checkpoint: str | None, recipe: Recipe) -> Iterator[str]:
    if checkpoint is not None:
        yield (
            '# Weights of ImageNet: downloaded, or a file: set checkpoint to the path of '
            'mobilenet_v2.pth.'
        )
        yield f'backbone = dict(init_cfg=dict(checkpoint={checkpoint or _DOWNLOAD!r}))'
        return
    yield '# From scratch, so that the statistics of batch norm are trained as well. Results are'
    yield '# worse than with weights of ImageNet (checkpoint of init_cfg).'
    yield 'backbone = dict(init_cfg=None, norm_eval=False)'
    yield '# Without frozen statistics there are none to measure for suppressed features.'
    yield 'drs_custom_hooks = []'
    yield '# One more stage takes the place of ImageNet: all others start from its weights.'
    yield "stages = dict(pretraining='mmdrs::custom/pretraining_custom.py')"
    yield f'pretraining_epochs = {recipe.epochs["pretraining"]}'


def _size_lines(recipe: Recipe) -> Iterator[str]:
    yield '# Images become squares of this side, and crops of the next one.'
    yield f'resize = {recipe.resize}'
    yield '# Larger inputs see smaller objects, and take longer.'
    yield f'crop = segmentation_crop = segmentation_scale = {recipe.crop}'
    yield _line('map_scales', recipe.map_scales, 'Maps are the maximum over these sides.')
    yield _line('batch_size', recipe.batch_size, 'Images of a batch; at most those of the list.')
    yield _line('classifier_epochs', recipe.epochs['classifier'], 'Passes over the images.')
    yield '# The rate falls to a tenth after each of these epochs.'
    yield _schedule('classifier', recipe.milestones('classifier', (4 / 15, 9 / 15)))
    yield f'refinement_epochs = {recipe.epochs["refinement"]}'
    yield _schedule('refinement', recipe.milestones('refinement', (1 / 3, 2 / 3)))
    yield f'segmentation_epochs = {recipe.epochs["segmentation"]}'
    yield _line('seed', 0, 'Another seed gives other results: compare means of several.')


def _schedule(training: str, milestones: list[int]) -> str:
    steps = sorted({*milestones})
    return f"{training}_schedule = [dict(type='MultiStepLR', milestones={steps}, gamma=0.1)]"


def _label_lines(saliency: bool) -> Iterator[str]:
    if saliency:
        yield '# Background is where the saliency map is at most 50; say in `source` what made it.'
        cue, threshold = "type='saliency', threshold=50, source=''", 0.05
    else:
        yield '# Without saliency maps, background is where every map is below a constant: larger'
        yield '# values give smaller objects. `refine` lets the maps follow the colours of the'
        yield '# image.'
        cue, threshold = "type='constant', value=0.55", 0
    yield '# Map values below `threshold` are 0.'
    yield 'pseudo_labels = dict('
    yield f'    _delete_=True, background_cue=dict({cue}), threshold={threshold},'
    if not saliency:
        yield "    refine=dict(type='PAR', iterations=20, downscale=2),"
    yield ')'
