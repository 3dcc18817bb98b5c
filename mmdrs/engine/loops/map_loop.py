"""A test loop that does not make a localization map twice."""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from mmengine.device import get_device
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner, TestLoop
from mmengine.structures import PixelData
from mmseg.registry import LOOPS
from mmseg.structures import SegDataSample
from torch.utils.data import DataLoader

from mmdrs.errors import InputError
from mmdrs.evaluation import LocalizationMetric, PseudoLabelMetric
from mmdrs.pseudo_labels.label_file import read_label
from mmdrs.pseudo_labels.map_file import read_maps
from mmdrs.version import __version__

#: Of the convolutions.
PRECISIONS = ('float32', 'bfloat16', 'float16')


@LOOPS.register_module()
class LocalizationMapLoop(TestLoop):
    """MMEngine's test loop; an image whose file is finished is read instead of computed.

    The file is the map file of a ``LocalizationMetric``, else the label of a
    ``PseudoLabelMetric``. It counts as finished when it is whole and was made with the same model,
    checkpoint, pipeline and rules. The sampler shards the images over the processes as in any test
    run, so ``tools/dist_test.sh`` makes the maps in parallel, and a run that was killed goes on
    where it stopped.

    Args:
        runner: The runner.
        dataloader: Of the images.
        evaluator: With the metric that writes the files.
        precision: Of the convolutions: ``'float32'``, or with autocast ``'bfloat16'`` or
            ``'float16'``, which are faster where the device multiplies them itself. Maps are
            normalised and merged in float32.
        channels_last: Keep the weights, and so the features, in that memory format: the faster
            one for convolutions. Rounding apart the maps are the same.

    Raises:
        ValueError: For another precision.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: DataLoader | dict,
        evaluator: Evaluator | dict | list,
        precision: str = 'float32',
        channels_last: bool = True,
    ) -> None:
        if precision not in PRECISIONS:
            raise InputError(
                f'LocalizationMapLoop: precision must be one of {PRECISIONS}, got {precision!r}'
            )
        super().__init__(runner, dataloader, evaluator)
        self.precision = precision
        self.channels_last = channels_last
        # What both could read again is read from the maps.
        writers = [
            metric
            for kind in (LocalizationMetric, PseudoLabelMetric)
            for metric in self.evaluator.metrics
            if isinstance(metric, kind)
        ]
        self.writer = writers[0] if writers else None

    def run(self) -> dict:
        """Run the test; see the parent."""
        if self.writer is not None:
            self.writer.settings = map_settings(self.runner, self.precision)
        if self.channels_last:
            self.runner.model.to(memory_format=torch.channels_last)
        return super().run()

    @torch.no_grad()
    def run_iter(self, idx: int, data_batch: dict) -> None:
        """One batch: computed unless every image of it is finished; finished files stay."""
        self.runner.call_hook('before_test_iter', batch_idx=idx, data_batch=data_batch)
        outputs = self._stored_samples(data_batch)
        if outputs is None:
            outputs = self._predict(data_batch)
        self.evaluator.process(data_samples=outputs, data_batch=data_batch)
        self.runner.call_hook(
            'after_test_iter', batch_idx=idx, data_batch=data_batch, outputs=outputs
        )

    def _predict(self, data_batch: dict) -> list[SegDataSample]:
        dtype = getattr(torch, self.precision)
        coarse = dtype != torch.float32
        with torch.autocast(get_device(), dtype if coarse else None, enabled=coarse):
            return self.runner.model.test_step(data_batch)

    def _stored_samples(self, data_batch: dict) -> list[SegDataSample] | None:
        if self.writer is None or self.writer.output_dir is None:
            return None
        samples = data_batch['data_samples']
        if samples and isinstance(samples[0], (list, tuple)):  # test-time augmentation
            samples = samples[0]
        paths = [self.writer.stored(sample.to_dict()) for sample in samples]
        key = 'map_file' if isinstance(self.writer, LocalizationMetric) else 'label_file'
        for sample, path in zip(samples, paths, strict=True):
            if path is not None:
                sample.set_metainfo({key: str(path)})
        if any(path is None for path in paths):
            return None
        if key == 'label_file':
            return [_with_stored_label(*pair) for pair in zip(samples, paths, strict=True)]
        num_classes = len(self.writer.dataset_meta['classes'])
        return [
            _with_stored_maps(sample, path, num_classes, self.writer.threshold)
            for sample, path in zip(samples, paths, strict=True)
        ]


def _with_stored_label(sample: SegDataSample, path: Path) -> SegDataSample:
    """The prediction which the label file of an image stands for."""
    label = torch.from_numpy(read_label(path).astype(np.int64))[None]
    sample.set_data(dict(pred_sem_seg=PixelData(data=label)))
    return sample


def _with_stored_maps(
    sample: SegDataSample, path: Path, num_classes: int, threshold: float
) -> SegDataSample:
    """The prediction which the map file of an image stands for."""
    stored = read_maps(path)
    maps = torch.zeros(num_classes, *stored.values.shape[1:])
    maps[0] = threshold
    maps[[label + 1 for label in stored.labels]] = torch.from_numpy(stored.floats())
    sample.set_data(
        dict(
            seg_logits=PixelData(data=maps),
            pred_sem_seg=PixelData(data=maps.argmax(dim=0, keepdim=True)),
        )
    )
    return sample


def map_settings(runner: Runner, precision: str = 'float32') -> dict:
    """What a map depends on, as stored in its file."""
    config = runner.cfg.to_dict()
    pipeline = config['test_dataloader']['dataset'].get('pipeline')
    checkpoint = runner._load_from
    return dict(
        mmdrs=__version__,
        model=_digest(json.dumps(config['model'], sort_keys=True, default=str).encode()),
        pipeline=_digest(json.dumps(pipeline, sort_keys=True, default=str).encode()),
        checkpoint=_digest(Path(checkpoint).read_bytes()) if checkpoint else '',
        precision=precision,
    )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
