"""Inference in windows, for images whose scores would fill the memory."""

from collections.abc import Iterator

import torch
from mmseg.models.segmentors import EncoderDecoder
from mmseg.structures import SegDataSample
from torch import Tensor

from mmdrs.apis.prediction.prediction import Collector
from mmdrs.errors import InputError
from mmdrs.models.tta.localization_tta import padding
from mmdrs.models.utils.tiles import Span, interpolated, sampling, spans, strips

#: Scores at the size of the image that are there at once: 64 MB.
MOST_SCORES = 1 << 24


class WindowedInference:
    """Predicts an image window by window, and each window strip by strip.

    The windows are those of the network's input, see :mod:`mmdrs.models.utils.tiles`. Within a
    window all is done as MMSegmentation does it for an image: normalised, padded, predicted, and
    the scores resized to the size of the image before the best class is chosen.

    Args:
        network: The segmentation network.
        tile: Side of a window, in pixels of the network's input.
        batch_size: Windows that are predicted at once.
    """

    def __init__(self, network: EncoderDecoder, tile: int, batch_size: int = 1) -> None:
        if not hasattr(network, 'inference'):
            raise InputError(f'a {type(network).__name__} predicts no windows; give --tile 0')
        self.network = network
        self.tile = tile
        self.batch_size = batch_size

    @torch.no_grad()
    def run(self, inputs: Tensor, collector: Collector) -> None:
        """Predict the input (3, h, w) of the network, as the pipeline packs it."""
        height, width = collector.label.shape
        aligned = self.network.align_corners
        rows = spans(inputs.shape[1], height, self.tile, aligned)
        columns = spans(inputs.shape[2], width, self.tile, aligned)
        windows = [(row, column) for row in rows for column in columns]
        for batch in self._batches(windows):
            crops = [inputs[:, r.start : r.stop, c.start : c.stop] for r, c in batch]
            for window, scores in zip(batch, self._scores(crops), strict=True):
                self._collect(window, scores, inputs.shape[1:], collector)

    def _batches(self, windows: list[tuple[Span, Span]]) -> Iterator[list[tuple[Span, Span]]]:
        """Windows of one shape, the last ones of a row or a column apart."""
        shapes: dict[tuple[int, int], list[tuple[Span, Span]]] = {}
        for row, column in windows:
            shape = row.stop - row.start, column.stop - column.start
            shapes.setdefault(shape, []).append((row, column))
        for group in shapes.values():
            for start in range(0, len(group), self.batch_size):
                yield group[start : start + self.batch_size]

    def _scores(self, crops: list[Tensor]) -> Iterator[Tensor]:
        """Scores (C, h, w) of windows (3, h, w)."""
        shape = tuple(crops[0].shape[1:])
        samples = [SegDataSample(metainfo=dict(ori_shape=shape, img_shape=shape)) for _ in crops]
        data = self.network.data_preprocessor(dict(inputs=crops, data_samples=samples), False)
        samples = data['data_samples']  # copies, which know their padding
        metas = [dict(sample.metainfo) for sample in samples]
        for sample, scores in zip(
            samples, self.network.inference(data['inputs'], metas), strict=True
        ):
            left, right, top, bottom = padding(sample)
            yield scores[:, top : scores.shape[1] - bottom, left : scores.shape[2] - right]

    def _collect(
        self, window: tuple[Span, Span], scores: Tensor, inputs: torch.Size, collector: Collector
    ) -> None:
        """Bring the scores of a window to the size of the image, strip by strip."""
        aligned = self.network.align_corners
        sizes = collector.label.shape
        rows, columns = (
            sampling(span, length, size, aligned).to(scores.device)
            for span, length, size in zip(window, inputs, sizes, strict=True)
        )
        row, column = window
        across = column.last - column.first
        for start, stop in strips(row.last - row.first, len(scores) * across, MOST_SCORES):
            part = interpolated(scores, rows.part(start, stop), columns)
            collector.add(
                slice(row.first + start, row.first + stop), slice(column.first, column.last), part
            )
