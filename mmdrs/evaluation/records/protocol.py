"""The protocol of an evaluation, read off its config."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmseg.datasets import PascalVOCDataset
from mmseg.registry import DATASETS

from mmdrs.datasets.wrappers import leaf_datasets
from mmdrs.evaluation.records.record import Protocol
from mmdrs.models.tta.cam_method import LAST_FEATURES
from mmdrs.pseudo_labels.fusion import BackgroundCue, build_cue
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.rules_file import read_rules
from mmdrs.pseudo_labels.steps import Cue


def _is_voc(dataset: Mapping[str, Any]) -> bool:
    kind = dataset.get('type')
    kind = DATASETS.get(kind) if isinstance(kind, str) else kind
    classes = getattr(kind, 'METAINFO', {}).get('classes')
    return classes == PascalVOCDataset.METAINFO['classes']


def dataset_name(dataset: Mapping[str, Any]) -> str:
    """The name of a data set in records.

    ``metainfo.dataset_name`` where it is given, ``VOC 2012`` by the type of the data set, else the
    name of the folder of the data.
    """
    name = (dataset.get('metainfo') or {}).get('dataset_name')
    if name:
        return name
    if _is_voc(dataset):
        return 'VOC 2012'
    return Path(dataset.get('data_root') or '').resolve().name


def split_name(dataset: Mapping[str, Any]) -> str:
    """``val`` of ``ImageSets/Segmentation/val_cls.txt``; '' without a list."""
    return re.sub(r'_cls(_\w+)?$', '', Path(dataset.get('ann_file') or '').stem)


def label_source(list_name: str) -> str:
    """Where image labels come from, by the names that ``voc_image_labels.py`` gives."""
    _, separator, source = Path(list_name).stem.partition('_cls')
    source = source.lstrip('_')
    return {'': 'masks', 'xml': 'boxes'}.get(source, source) if separator else ''


def checkpoint_choice(checkpoint: str | None) -> str:
    """``last``, or on what the checkpoint is the best, by the name that MMEngine gives it."""
    match = re.fullmatch(r'best_(.+?)_(?:epoch|iter)_\d+\.pth', Path(checkpoint or '').name)
    return f'best {match[1]} on ground truth' if match else 'last'


def read_protocol(cfg: Mapping[str, Any], checkpoint: str | None) -> Protocol:
    """The protocol that all scores of a test run share.

    Args:
        cfg: The config as it is run; with test-time augmentation its model is the TTA model.
        checkpoint: The weights.
    """
    inner = cfg['model'].get('module') or cfg['model']
    scored = cfg['test_dataloader']['dataset']
    pipeline = scored.get('pipeline') or []
    steps = next((t['transforms'] for t in pipeline if t['type'] == 'TestTimeAug'), ())
    loader = cfg.get('train_dataloader')
    train = leaf_datasets(loader['dataset'])[0] if loader else {}
    labels = [
        label_source(item.get('ann_file') or '') for item in (train, scored) if _is_voc(item)
    ]
    return Protocol(
        checkpoint=checkpoint_choice(checkpoint),
        crop=_crop(pipeline, inner.get('test_cfg') or {}),
        scales=_scales(cfg, inner, steps),
        flip=_merging(cfg, inner).get('flip', False)
        or any(t['type'] == 'RandomFlip' and t.get('prob') for step in steps for t in step),
        method=describe_method(_method(cfg)),
        labels=next(filter(None, labels), ''),
        training=trained_on(train),
    )


def trained_on(dataset: Mapping[str, Any]) -> str:
    """``pseudo labels: saliency > 50 (CSNet)``, by the rules beside the labels of a training.

    '' for masks, for labels of other programs, and where the folder is gone.
    """
    folder = (dataset.get('data_prefix') or {}).get('seg_map_path')
    rules = read_rules(Path(dataset.get('data_root') or '') / folder) if folder else None
    if rules is None:
        return ''
    made = rules.to_config()
    crf, merging = describe_crf(made['crf']), describe_merging(made.get('merge'))
    parts = (
        describe_cue(rules.background_cue),
        describe_refinement(made['refine']),
        f'CRF {crf}' if crf else '',
        f'merged with {merging}' if merging else '',
    )
    return f'pseudo labels: {"; ".join(filter(None, parts))}'


def describe_cue(cue: Cue) -> str:
    """A background cue in a few words, such as ``saliency > 50 (CSNet)``.

    Saliency maps of another network give other scores by the same rules: the source belongs to it.
    """
    if not isinstance(cue, BackgroundCue):
        return describe_step(cue.to_config())
    unsure = '' if cue.sure is None else f', up to {cue.sure:g} ignored'
    if cue.type == 'saliency':
        score = 'refined saliency' if cue.refined else 'saliency'
        if cue.maps_weight:
            score = f'{1 - cue.maps_weight:g} {score} + {cue.maps_weight:g} maps'
        return f'{score} > {cue.threshold:g}{unsure} ({cue.source or "source not given"})'
    if cue.type == 'constant':
        return f'constant {cue.value:g}{unsure}'
    return f'power {cue.exponent:g}'


def describe_step(config: Mapping[str, Any]) -> str:
    """A part that a config names, as ``NAME, key value, key value``."""
    values = (f'{key} {value}' for key, value in config.items() if key != 'type')
    return ', '.join([config['type'], *values])


def describe_method(method: str | Mapping[str, Any] | None) -> str:
    """A method of pytorch-grad-cam as ``GradCAM at backbone.layer4``; '' for none.

    Args:
        method: As in a config, or in the record of a map file.
    """
    if not method:
        return ''
    options = {'type': method} if isinstance(method, str) else dict(method)
    name, layer = options.pop('type'), options.pop('layer', None)
    options.pop('library', None)  # a version is no other method
    layers = [layer] if isinstance(layer, str) else list(layer or [])
    place = '' if layers in ([], [LAST_FEATURES]) else f' at {", ".join(layers)}'
    return describe_step(dict(options, type=f'{name}{place}'))


def with_maps(cfg: Mapping[str, Any], record: Mapping[str, Any] | None) -> dict[str, Any]:
    """A config that makes maps as stored ones were made: their views and their method count.

    Args:
        cfg: Config of the network, as plain values.
        record: Of a map file; without ``scales``, or None, it tells nothing.
    """
    cfg = dict(cfg, test_cfg=dict(cfg.get('test_cfg') or {}), model=dict(cfg['model']))
    if record and 'scales' in record:
        views = dict(flip=False, merge='max') | {
            key: record[key] for key in ('scales', 'flip', 'merge') if key in record
        }
        (cfg['model'] if 'module' in cfg['model'] else cfg['test_cfg']).update(views)
        cfg['test_cfg']['method'] = record.get('method')
        cfg['model'].pop('method', None)
    return cfg


def describe_crf(crf: Mapping[str, Any] | None) -> str:
    """Constants of a CRF as ``10 x (3; 1), (4; 67, 3)``; '' for none."""
    if crf is None:
        return ''
    return (
        f'{crf["iterations"]} x ({crf["gaussian_weight"]:g}; {crf["gaussian_sxy"]:g}), '
        f'({crf["bilateral_weight"]:g}; {crf["bilateral_sxy"]:g}, {crf["bilateral_srgb"]:g})'
    )


def describe_refinement(refine: Mapping[str, Any] | None) -> str:
    """Refinement of maps as ``PAR 10 x (1, 2, 4, 8, 12, 24) at 1/2``; '' for none."""
    if refine is None:
        return ''
    if 'type' in refine:
        return describe_step(refine)
    size = '' if refine['downscale'] == 1 else f' at 1/{refine["downscale"]}'
    return f'PAR {refine["iterations"]} x ({", ".join(map(str, refine["dilations"]))}){size}'


def describe_merging(merge: Mapping[str, Any] | None) -> str:
    """Merging of masks as ``masks of SAM, > 0.5 of a mask or >= 0.85 of a class``; '' for none."""
    if merge is None:
        return ''
    source = f'masks of {merge["source"]}' if merge.get('source') else 'masks (source not given)'
    return (
        f'{source}, > {merge["own_share"]:g} of a mask or >= {merge["class_share"]:g} of a class'
    )


def label_protocols(rules: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What is special in the protocols of the scores of pseudo labels, by their metric.

    Args:
        rules: :class:`~mmdrs.pseudo_labels.rules.LabelRules` as a config.
    """
    common = dict(
        threshold=f'fixed {rules["threshold"]:g}',
        background=describe_cue(build_cue(rules['background_cue'])),
        crf=describe_crf(rules.get('crf')),
        refinement=describe_refinement(rules.get('refine')),
        merging=describe_merging(rules.get('merge')),
    )
    return dict(
        mIoU=dict(common, ignored='scored before they are ignored'),
        mIoU_written=dict(common, ignored=f'{_contradiction(rules)}count as misses'),
        mIoU_kept=dict(common, ignored=f'{_contradiction(rules)}left out'),
        kept=dict(common, ignored=f'{_contradiction(rules)}left out'),
    )


def _contradiction(rules: Mapping[str, Any]) -> str:
    """Which channels contradict each other, where the rules are not the reference's."""
    most, above = (rules.get(name) for name in ('max_confident', 'confident'))
    usual = LabelRules()
    if (most, above) in ((None, None), (usual.max_confident, usual.confident)):
        return ''
    return f'pixels with more than {most} of the channels above {above:g}, too; '


def _method(cfg: Mapping) -> str | Mapping[str, Any] | None:
    """Of the test loop, else of a LocalizationTTA."""
    loop = (cfg.get('test_cfg') or {}).get('method')
    return loop or (cfg['model'].get('method') if 'module' in cfg['model'] else None)


def _crop(pipeline: Sequence[Mapping], test_cfg: Mapping) -> str:
    crop = next((t for t in pipeline if t['type'] == 'CenterCrop'), None)
    if crop is not None:
        return f'centre crop {_size(crop["crop_size"])}'
    if test_cfg.get('mode') == 'slide':
        return f'windows of {_size(test_cfg["crop_size"])}'
    return 'whole image'


def _size(size: Sequence[int] | int) -> str:
    return f'{size} x {size}' if isinstance(size, int) else ' x '.join(map(str, size))


def _merging(cfg: Mapping, inner: Mapping) -> Mapping:
    """What merges the views of an image: a LocalizationTTA, or the loop that makes one."""
    return cfg['model'] if cfg['model'] is not inner else cfg.get('test_cfg') or {}


def _scales(cfg: Mapping, inner: Mapping, steps: Sequence[Sequence[Mapping]]) -> str:
    """The scales of a model, of its merged maps, and of the steps of test-time augmentation."""
    parts = []
    if inner.get('type') == 'MultiScaleEncoderDecoder':
        factors = ', '.join(f'{s:g}' for s in (1, *inner.get('scales', (0.5, 0.75))))
        parts.append(f'MSC {factors}')
    merging = _merging(cfg, inner)
    scales = merging.get('scales')
    if scales:
        parts.append(f'scales {", ".join(map(str, scales))}')
    parts += dict(max=(), sum=('summed',), mean=('mean',))[merging.get('merge', 'max')]
    for step in steps:
        resizes = [t for t in step if t['type'] == 'Resize']
        if len(resizes) > 1:
            factors = [t.get('scale_factor') or _size(t['scale']) for t in resizes]
            parts.append(f'scales {", ".join(map(str, factors))}')
    return '; '.join(parts)
