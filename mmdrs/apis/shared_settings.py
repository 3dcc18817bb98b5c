"""Settings: what the stages of a pipeline share, applied to the config of each.

A settings file gives every shared value once; it reaches every stage, whether its config is one of
this project or of MMSegmentation.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from mmengine.config import Config, ConfigDict
from mmseg.datasets import PascalVOCDataset

from mmdrs.datasets import ImageLabelDataset, PseudoLabelDataset, VOCPseudoLabelDataset
from mmdrs.datasets.listed_dataset import ListedSegDataset
from mmdrs.datasets.wrappers import dataset_class, leaf_datasets
from mmdrs.errors import InputError

#: The shared keys, and what each is. A key that the settings lack leaves the configs as they are.
SHARED_KEYS = dict(
    seed='random seed of every training',
    data_root='folder of the data',
    train_list='list of the training images with their image labels; None: folders of classes',
    val_list='list with image labels, to score maps and labels on other images; None without',
    eval_list='list on which the segmentation network is scored; None: val_list',
    image_dir='folder of the images, below data_root',
    image_suffix='suffix of the images, or a list of them; None: any, in any case',
    mask_dir='folder of masks to score maps and labels with; None without',
    eval_mask_dir='folder of masks to score the segmentation network with; None: mask_dir',
    saliency_dir='folder of the saliency maps; None without',
    segments_dir='folder of class-agnostic masks to merge into labels; None without',
    classes='names of the classes, background first',
    dataset_name='name of the data set in records; None: VOC 2012 or the folder of the data',
    num_workers='processes that load data, for each process of a run',
    skip_broken='whether images that cannot be decoded are left out',
    batch_size='images in a batch of a training; None: as in the config of the stage',
)
_NUMBERS = ('seed', 'num_workers', 'batch_size')
_PACKING = ('PackDRSInputs', 'PackSegInputs', 'TestTimeAug')


def check_settings(settings: Mapping[str, Any]) -> None:
    """Check the kinds of values of the shared settings.

    Raises:
        InputError: If one is of another kind; names the key and says what it is.
    """
    for key, words in SHARED_KEYS.items():
        value = settings.get(key)
        if key in _NUMBERS:
            kind, fits = 'a whole number', isinstance(value, int) and not isinstance(value, bool)
        elif key == 'skip_broken':
            kind, fits = 'True or False', isinstance(value, bool)
        elif key == 'classes' or (key == 'image_suffix' and isinstance(value, list | tuple)):
            kind = 'a list of texts'
            fits = isinstance(value, list | tuple) and all(isinstance(v, str) for v in value)
        else:
            kind, fits = 'a text', isinstance(value, str)
        if value is not None and not fits:
            raise InputError(f'`{key}` ({words}) must be {kind}, got {value!r:.80}')


def apply_settings(cfg: Config, settings: Mapping[str, Any]) -> None:
    """Put the shared settings into the config of a stage.

    General data sets replace those of VOC where the settings name other classes, and those of a
    stock config.

    Args:
        cfg: Changed in place.
        settings: Values of :data:`SHARED_KEYS`, and modules of the user's (``custom_imports``),
            which a stored config of the stage must import as well; other keys are ignored.
    """
    if settings.get('custom_imports'):
        parts = [part.get('custom_imports') or {} for part in (cfg, settings)]
        names = [name for part in parts for name in _as_list(part.get('imports', []))]
        cfg.custom_imports = dict(imports=[*dict.fromkeys(names)], allow_failed_imports=False)
    if settings.get('seed') is not None:
        cfg.randomness = {**(cfg.get('randomness') or {}), 'seed': settings['seed']}
    if settings.get('classes'):
        _set_num_classes(cfg.model, len(settings['classes']))
    for role in ('train', 'val', 'test'):
        if cfg.get(f'{role}_dataloader'):
            _apply_to_loader(cfg, role, settings)


def _as_list(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else names


def _set_num_classes(model: Any, count: int) -> None:
    model = model.get('module') or model  # the model that test-time augmentation wraps
    for key in ('decode_head', 'auxiliary_head'):
        heads = model.get(key) or []
        for head in heads if isinstance(heads, list | tuple) else [heads]:
            head['num_classes'] = count


def _apply_to_loader(cfg: Config, role: str, settings: Mapping[str, Any]) -> None:
    loader = cfg[f'{role}_dataloader']
    if settings.get('num_workers') is not None:
        loader.num_workers = settings['num_workers']
        loader.persistent_workers = settings['num_workers'] > 0
    if role == 'train' and settings.get('batch_size') is not None:
        loader.batch_size = settings['batch_size']
    leaf = leaf_datasets(loader.dataset)[0]
    if issubclass(dataset_class(leaf), ImageLabelDataset):
        loader.dataset = _image_labels(leaf, role, settings)
        if role == 'test':
            for pipeline in (loader.dataset.pipeline, cfg.get('tta_pipeline')):
                _load_masks(cast(list | None, pipeline), settings)
    elif role == 'train' or _evaluates(settings):
        loader.dataset = _segmentation(leaf, role, settings)
    elif role == 'test' and _evaluation(settings)[0]:
        loader.dataset = _segmentation(leaf, role, settings)
        _only_predict(cfg)
    else:
        cfg[f'{role}_dataloader'] = cfg[f'{role}_evaluator'] = cfg[f'{role}_cfg'] = None


def _image_labels(leaf: ConfigDict, role: str, settings: Mapping[str, Any]) -> ConfigDict:
    """A data set of image labels; a validation keeps its list and masks (released flavour)."""
    folders = dict(img_path='image_dir')
    if role != 'train':
        folders['saliency_path'] = 'saliency_dir'
    if role == 'test':
        folders |= dict(seg_map_path='mask_dir', segments_path='segments_dir')
    listed = None if role == 'val' else _training_list(settings)
    return _located(_shared(leaf, ImageLabelDataset, settings), listed, folders, settings)


def _segmentation(leaf: Any, role: str, settings: Mapping[str, Any]) -> ConfigDict:
    """A data set with labels per pixel: pseudo labels to train on, masks to score with."""
    if not issubclass(dataset_class(leaf), (ListedSegDataset, PascalVOCDataset)):
        # Label 0 is the background here, not one that the data set leaves out (ADE20K).
        steps = [
            {key: value for key, value in step.items() if key != 'reduce_zero_label'}
            for step in leaf.pipeline
        ]
        own = dict(type=PseudoLabelDataset.__name__, pipeline=steps)
        leaf = ConfigDict(own, data_prefix=dict(seg_map_path='pseudo_label'))
    if role == 'train':
        listed, masks = _training_list(settings), None
    else:
        listed, masks = _evaluation(settings)
    leaf = _shared(leaf, PseudoLabelDataset, settings)
    if listed == '' and not issubclass(dataset_class(leaf), ListedSegDataset):
        leaf['type'] = VOCPseudoLabelDataset.__name__  # which reads folders of classes as well
    leaf = _located(leaf, listed, dict(img_path='image_dir'), settings)
    if masks:
        leaf.data_prefix['seg_map_path'] = masks
    return leaf


def _training_list(settings: Mapping[str, Any]) -> str | None:
    """The list of the training images; '' for folders of classes, None where it is not set."""
    return (settings['train_list'] or '') if 'train_list' in settings else None


def _only_predict(cfg: Config) -> None:
    """Test on images without masks: predictions are written, and nothing is scored."""
    dataset = cfg.test_dataloader.dataset
    dataset.data_prefix.pop('seg_map_path', None)
    dataset.pipeline = without_masks(dataset.pipeline)
    if cfg.get('tta_pipeline'):
        cfg.tta_pipeline = without_masks(cfg.tta_pipeline)
    cfg.test_evaluator = dict(type='SegmentationMetric', format_only=True)


def without_masks(pipeline: Sequence[Any]) -> list[Any]:
    """A test pipeline that loads no masks, also within ``TestTimeAug``."""
    steps = []
    for step in pipeline:
        if step['type'] == 'TestTimeAug':
            # All combinations of the branches run; without a step a branch would leave none.
            branches = [
                [t for t in b if t['type'] != 'LoadAnnotations'] for b in step['transforms']
            ]
            step = {**step, 'transforms': [branch for branch in branches if branch]}
        if step['type'] != 'LoadAnnotations':
            steps.append(step)
    return steps


def _evaluation(settings: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """List and masks that the segmentation network is scored with."""
    return (
        settings.get('eval_list') or settings.get('val_list'),
        settings.get('eval_mask_dir') or settings.get('mask_dir'),
    )


def _evaluates(settings: Mapping[str, Any]) -> bool:
    """Whether the network is scored: with a list and masks, or as the config has it."""
    silent = not {'eval_list', 'val_list', 'eval_mask_dir', 'mask_dir'} & settings.keys()
    return silent or all(_evaluation(settings))


def _shared(leaf: ConfigDict, general: type, settings: Mapping[str, Any]) -> ConfigDict:
    """A copy with root, suffix, classes and name; ``general`` takes any classes."""
    leaf = leaf.copy()
    if settings.get('data_root') is not None:
        leaf['data_root'] = settings['data_root']
    suffix = settings.get('image_suffix') or None
    kind = dataset_class(leaf)
    if suffix or ('image_suffix' in settings and issubclass(kind, ListedSegDataset)):
        leaf['img_suffix'] = suffix
    classes = tuple(settings.get('classes') or ())
    fixed = tuple(getattr(kind, 'METAINFO', {}).get('classes', ()))
    if classes and classes != fixed:
        if fixed:
            leaf['type'] = general.__name__
        leaf['metainfo'] = {**leaf.get('metainfo', {}), 'classes': classes}
    if settings.get('skip_broken') and issubclass(dataset_class(leaf), ListedSegDataset):
        leaf['skip_broken'] = True
    if settings.get('dataset_name') is not None:
        leaf['metainfo'] = {**leaf.get('metainfo', {}), 'dataset_name': settings['dataset_name']}
    return leaf


def _located(
    leaf: ConfigDict, listed: str | None, prefix: Mapping[str, str], settings: Mapping[str, Any]
) -> ConfigDict:
    """Set the list and the folders; ``prefix`` maps keys of ``data_prefix`` to settings.

    The list '' are folders of classes in that of the images; None leaves it as it is.
    """
    if listed is not None:
        set_list(leaf, listed)
    given = {key: settings[name] for key, name in prefix.items() if name in settings}
    folders = {**(leaf.get('data_prefix') or {}), **given}
    leaf['data_prefix'] = {key: folder for key, folder in folders.items() if folder is not None}
    return leaf


def set_list(dataset: dict[str, Any], listed: str) -> None:
    """Set the list of a data set; '' are folders of classes in that of the images."""
    dataset['ann_file'] = listed
    dataset.pop('class_folders', None)
    if not listed:
        dataset['class_folders'] = True


def _load_masks(pipeline: list[Any] | None, settings: Mapping[str, Any]) -> None:
    """Load masks to score maps where there are any, and only there."""
    if not pipeline or 'mask_dir' not in settings:
        return
    kinds = [step['type'] for step in pipeline]
    if not settings['mask_dir']:
        pipeline[:] = [step for step in pipeline if step['type'] != 'LoadAnnotations']
    elif 'LoadAnnotations' not in kinds:
        place = next(i for i, kind in enumerate(kinds) if kind in _PACKING)
        pipeline.insert(place, ConfigDict(type='LoadAnnotations'))
