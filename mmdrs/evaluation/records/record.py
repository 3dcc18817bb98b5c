"""The record of an evaluation: its scores, what they mean, and what they were made from.

Two scores can be compared when their protocols are the same; a record says both.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from mmdrs.errors import InputError
from mmdrs.files import write_json

Task = Literal['seed', 'pseudo', 'seg']
TASKS = ('seed', 'pseudo', 'seg')
FORMAT = 1


@dataclass(frozen=True)
class Protocol:
    """How a score was made, as far as scores of other protocols would differ.

    Attributes:
        checkpoint: How the checkpoint was chosen: ``last``, or on what it was the best.
        crop: What of each image is scored: ``whole image``, or a crop.
        scales: Scales of the input, '' for one.
        flip: Whether mirrored images were merged in.
        crf: Constants of a dense CRF, '' for none.
        threshold: Of localization maps: fixed, or swept on the ground truth; '' elsewhere.
        ignored: How pixels ignored in a *prediction* (255) count; '' where there are none.
        labels: Where the image-level labels come from.
        background: The background cue of pseudo labels, '' elsewhere.
    """

    checkpoint: str = 'last'
    crop: str = 'whole image'
    scales: str = ''
    flip: bool = False
    crf: str = ''
    threshold: str = ''
    ignored: str = ''
    labels: str = ''
    background: str = ''

    def __str__(self) -> str:
        """In a few words; what is usual (last checkpoint, whole image, one scale) is left out."""
        parts = [
            '' if self.checkpoint == 'last' else f'checkpoint {self.checkpoint}',
            '' if self.crop == 'whole image' else self.crop,
            self.scales,
            'flip' if self.flip else '',
            f'CRF {self.crf}' if self.crf else '',
            f'threshold {self.threshold}' if self.threshold else '',
            f'255: {self.ignored}' if self.ignored else '',
            f'labels: {self.labels}' if self.labels else '',
            f'background: {self.background}' if self.background else '',
        ]
        return '; '.join(part for part in parts if part) or 'standard'


@dataclass(frozen=True)
class Score:
    """One score.

    Attributes:
        metric: Its name, for instance ``mIoU``.
        value: In percent.
        protocol: How it was made.
        per_class: IoU in percent by class, in the order of the classes; None for a class that
            does not occur. Empty where the metric has none.
    """

    metric: str
    value: float
    protocol: Protocol
    per_class: Mapping[str, float | None]


@dataclass(frozen=True)
class Evaluation:
    """The scores of one evaluation.

    Attributes:
        task: ``seed`` (localization maps), ``pseudo`` (pseudo labels), ``seg`` (a network).
        dataset: Its name.
        split: The list that was scored.
        images: Number of images.
        model: Name of the config.
        stage: Stage of a pipeline, '' elsewhere.
        seed: Random seed of the run.
        scores: The scores.
        provenance: Hashes of config, list and weights, revision, packages, time.
    """

    task: Task
    dataset: str
    split: str
    images: int
    model: str
    stage: str
    seed: int | None
    scores: Sequence[Score]
    provenance: Mapping[str, Any]


def per_class(classes: Sequence[str], values: Sequence[float]) -> dict[str, float | None]:
    """Values by class name, NaN as None, which JSON can hold.

    Raises:
        ValueError: If there are not as many values as classes.
    """
    pairs = zip(classes, values, strict=True)
    return {name: None if math.isnan(v) else round(float(v), 2) for name, v in pairs}


def write_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Write one record as JSON, whole or not at all."""
    write_json(path, record_content(evaluation))


def write_evaluations(path: Path, evaluations: Sequence[Evaluation]) -> None:
    """Write the records of a whole run as one JSON list."""
    write_json(path, [record_content(evaluation) for evaluation in evaluations])


def record_content(evaluation: Evaluation) -> dict[str, Any]:
    """A record as the plain values that its file holds."""
    return dict(format=FORMAT, **asdict(evaluation))


def read_evaluation(path: Path) -> Evaluation:
    """Read a record.

    Raises:
        InputError: If the file is none, is damaged, or was written by a later version.
    """
    return _evaluation(_read_json(path), str(path))


def read_evaluations(path: Path) -> list[Evaluation]:
    """Read a list of records, such as ``results.json`` of the pipeline.

    Raises:
        InputError: If the file is none, is damaged, or was written by a later version.
    """
    content = _read_json(path)
    if not isinstance(content, list):
        raise InputError(f'{path}: is no list of records of evaluations')
    return [_evaluation(item, f'{path}: record {n}') for n, item in enumerate(content, 1)]


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise InputError(f'{path}: cannot be read as JSON ({error})') from error


def _evaluation(content: Any, place: str) -> Evaluation:
    """The record that JSON content is; messages begin with ``place``."""
    if not isinstance(content, dict) or 'format' not in content:
        raise InputError(f'{place}: is no record of an evaluation')
    if content.pop('format') != FORMAT:
        raise InputError(f'{place}: was written by another version of mmdrs')
    names = {item.name for item in fields(Evaluation)}
    if set(content) != names:
        wrong = sorted(set(content) ^ names)
        raise InputError(f'{place}: is damaged, it has a wrong set of keys ({", ".join(wrong)})')
    try:
        scores = [
            Score(**{**score, 'protocol': Protocol(**score['protocol'])})
            for score in content.pop('scores')
        ]
    except (KeyError, TypeError) as error:
        raise InputError(f'{place}: is damaged ({error})') from error
    return Evaluation(scores=scores, **content)
