"""Metrics that write a file for each image."""

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from mmseg.structures import SegDataSample

from mmdrs.evaluation.metrics.total_metric import TotalMetric


class FileMetric(TotalMetric):
    """A metric that writes one file for each image and reuses finished ones.

    ``LocalizationMapLoop`` sets what the files are made of (:attr:`record`), skips the network
    where all files of an image are :meth:`kept`, and has them :meth:`restore` its prediction.
    A kept file is not written again.

    Args:
        output_dir: Folder of the files; None writes none.
        threads: Threads that compress, write and count while the network goes on.
        collect_device: ``'cpu'`` or ``'gpu'``, for results of several processes.
        prefix: Prefix of the names of the scores.

    Attributes:
        record: Network, weights, pipeline, scales and precision, JSON values only. None, under
            another loop: no file is kept.
    """

    #: Whether a file holds the whole prediction, which other metrics need.
    holds_prediction: ClassVar[bool]
    #: Of the files.
    suffix: ClassVar[str] = '.png'

    def __init__(
        self,
        output_dir: str | None = None,
        threads: int = 2,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(threads, collect_device, prefix)
        self.output_dir = Path(output_dir) if output_dir else None
        self.record: dict | None = None

    @abstractmethod
    def kept(self, sample: dict) -> bool:
        """Whether the file of an image is there, whole, and made of the same."""

    @abstractmethod
    def restore(self, sample: SegDataSample) -> None:
        """Put the prediction from the kept file of an image into its data sample."""
