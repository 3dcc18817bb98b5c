"""A test loop that makes localization maps and reuses finished ones."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from mmengine.device import get_device
from mmengine.evaluator import Evaluator
from mmengine.model import BaseModel, BaseTTAModel, is_model_wrapper
from mmengine.runner import Runner, TestLoop
from mmseg.registry import LOOPS
from mmseg.structures import SegDataSample
from torch import nn
from torch.utils.data import DataLoader

from mmdrs.datasets.wrappers import leaf_datasets
from mmdrs.errors import InputError
from mmdrs.evaluation.metrics.file_metric import FileMetric
from mmdrs.files import digest, file_digest
from mmdrs.models.tta import LocalizationTTA
from mmdrs.models.tta.localization_tta import Merge
from mmdrs.pseudo_labels.map_file import FORMAT

#: Of the convolutions.
PRECISIONS = ('float32', 'bfloat16', 'float16')
#: Sides of the squares at which the released code makes maps.
SCALES = (256, 320, 384)
#: Steps of a test pipeline that do not change the maps.
_ONLY_SCORES = ('LoadAnnotations', 'LoadSaliencyMap')


@LOOPS.register_module()
class LocalizationMapLoop(TestLoop):
    """MMEngine's test loop with multi-scale maps; finished files are read instead of computed.

    The files are those of the evaluator's :class:`~mmdrs.evaluation.metrics.FileMetric`. A file is
    finished when it is whole and was made with the same network, weights, pipeline, scales,
    precision and image labels (and rules, for pseudo labels). The sampler shards the images over
    the processes, so ``tools/dist_test.sh`` makes the maps in parallel, and a run that was killed
    continues where it stopped.

    Args:
        runner: A model that is a ``LocalizationTTA`` (``--tta``) keeps its own scales and size;
            any other is wrapped in one for the run.
        dataloader: Of the images.
        evaluator: With the metrics that write the files.
        scales: Views whose maps are merged: sides of square inputs, or factors of the input's
            size; None makes maps at the one size that the pipeline gives.
        size: Height and width of the maps; None is the size of each image.
        precision: Of the convolutions: ``'float32'``, or with autocast ``'bfloat16'`` or
            ``'float16'``, faster where the hardware supports them. Maps are normalised and merged
            in float32.
        channels_last: Use this memory format, which is faster for convolutions. The maps are the
            same up to rounding.
        flip, merge: How views are made and merged, see
            :class:`~mmdrs.models.tta.LocalizationTTA`.
        method: Of pytorch-grad-cam, such as ``'GradCAM'``, in place of class activation maps, see
            :class:`~mmdrs.models.tta.CamMethod`. It needs ``precision='float32'``.

    Raises:
        InputError: For an unknown value, if the model has other test-time augmentation, or if the
            method cannot be used.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: DataLoader | dict,
        evaluator: Evaluator | dict | list,
        scales: Sequence[int | float] | None = SCALES,
        size: tuple[int, int] | None = None,
        precision: str = 'float32',
        channels_last: bool = True,
        flip: bool = False,
        merge: Merge = 'max',
        method: str | Mapping[str, Any] | None = None,
    ) -> None:
        if precision not in PRECISIONS:
            raise InputError(
                f'LocalizationMapLoop: precision must be one of {PRECISIONS}, got {precision!r}'
            )
        super().__init__(runner, dataloader, evaluator)
        self.model = localization_model(
            runner.model, scales, size, flip=flip, merge=merge, method=method
        )
        self.precision = precision
        self.channels_last = channels_last
        metrics = self.evaluator.metrics
        self.writers = [metric for metric in metrics if isinstance(metric, FileMetric)]
        # Read the prediction of a finished image from the files that hold most of it.
        self.reader = max(self.writers, key=lambda metric: metric.holds_prediction, default=None)
        self.can_skip = self.reader is not None and (
            self.reader.holds_prediction or len(self.writers) == len(metrics)
        )

    def run(self) -> dict:
        record = run_record(self.runner, self.model, self.precision)
        for metric in self.writers:
            metric.record = record
        if self.channels_last:
            self.runner.model.to(memory_format=torch.channels_last)
        return super().run()

    @torch.no_grad()
    def run_iter(self, idx: int, data_batch: Any) -> None:
        """Compute one batch, unless the files of all its images are finished."""
        self.runner.call_hook('before_test_iter', batch_idx=idx, data_batch=data_batch)
        outputs = self._kept_samples(data_batch)
        if outputs is None:
            outputs = predict_maps(self.model, data_batch, self.precision)
        self.evaluator.process(data_samples=outputs, data_batch=data_batch)
        self.runner.call_hook(
            'after_test_iter', batch_idx=idx, data_batch=data_batch, outputs=outputs
        )

    def _kept_samples(self, data_batch: dict) -> list[SegDataSample] | None:
        """The samples with the predictions from their files; None if any must be computed."""
        if self.reader is None or not self.can_skip:
            return None
        samples = data_batch['data_samples']
        if samples and isinstance(samples[0], (list, tuple)):  # test-time augmentation
            samples = samples[0]
        described = [sample.to_dict() for sample in samples]
        if not all(metric.kept(sample) for sample in described for metric in self.writers):
            return None
        for sample in samples:
            self.reader.restore(sample)
        return samples


def localization_model(
    model: nn.Module,
    scales: Sequence[int | float] | None,
    size: tuple[int, int] | None,
    *,
    flip: bool = False,
    merge: Merge = 'max',
    method: str | Mapping[str, Any] | None = None,
) -> LocalizationTTA:
    """The network that makes multi-scale maps with a segmentor, see :class:`LocalizationMapLoop`.

    Raises:
        InputError: If the model has other test-time augmentation, or the method cannot be used.
    """
    if is_model_wrapper(model):
        model = cast(nn.Module, model.module)
    if isinstance(model, LocalizationTTA):
        if method is None:
            return model
        scales, size, flip, merge = model.scales, model.size, model.flip, model.merge
        model = model.module
    if isinstance(model, BaseTTAModel):
        raise InputError(
            f'LocalizationMapLoop makes no maps with a {type(model).__name__}: leave out --tta, '
            "or set tta_model=dict(type='LocalizationTTA')"
        )
    segmentor = cast(BaseModel, model)
    return LocalizationTTA(segmentor, scales, size, flip=flip, merge=merge, method=method)


@torch.no_grad()
def predict_maps(model: LocalizationTTA, data: dict, precision: str) -> list[SegDataSample]:
    """The maps of a batch, as ``seg_logits``.

    Args:
        model: The network.
        data: ``inputs`` and ``data_samples``.
        precision: One of :data:`PRECISIONS`, of the convolutions.

    Raises:
        InputError: If a method of pytorch-grad-cam is to run in another precision than float32.
    """
    dtype = getattr(torch, precision)
    coarse = dtype != torch.float32
    if coarse and model.method is not None:
        raise InputError(
            f"method {model.method.name} runs in single precision: set precision='float32'"
        )
    with torch.autocast(get_device(), dtype if coarse else None, enabled=coarse):
        return model.test_step(data)


def run_record(runner: Runner, model: LocalizationTTA, precision: str) -> dict[str, Any]:
    """What all maps of a run are made of, as their files store it, but for the image labels."""
    config = runner.cfg.to_dict()
    network, weights = config['model'], runner._load_from
    while 'module' in network:
        network = network['module']
    datasets = leaf_datasets(config['test_dataloader']['dataset'])
    pipelines = [map_steps(dataset.get('pipeline') or []) for dataset in datasets]
    # Only what is not usual: maps that were made before there were such values are still finished.
    views = dict(flip=model.flip, merge=model.merge)
    views = {} if views == dict(flip=False, merge='max') else views
    method = dict(method=model.method.record) if model.method else {}
    return dict(
        format=FORMAT,
        network=digest(network),
        weights=file_digest(weights) if weights and os.path.isfile(weights) else weights,
        pipeline=digest(pipelines),
        scales=list(model.scales) or None,
        size=list(model.size) if model.size else None,
        precision=precision,
        **views,
        **method,
    )


def map_steps(pipeline: Sequence[dict]) -> list[dict]:
    """The steps of a test pipeline that change maps.

    ``TestTimeAug`` of one view is replaced by that view.
    """
    steps = []
    for step in pipeline:
        if step['type'] == 'TestTimeAug' and all(len(views) == 1 for views in step['transforms']):
            steps += map_steps([views[0] for views in step['transforms']])
        elif step['type'] not in _ONLY_SCORES:
            steps.append(step)
    return steps
