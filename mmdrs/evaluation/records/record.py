"""The record of an evaluation: its scores, their protocols, and what they were made from.

Scores of the same protocol can be compared.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from mmdrs.errors import InputError, naming
from mmdrs.files import write_json
from mmdrs.reading import read_json, reading

Task = Literal['seed', 'pseudo', 'seg']
TASKS = ('seed', 'pseudo', 'seg')
FORMAT = 1
_HINT = 'remove it and evaluate again: the same command of the pipeline, or tools/test.py'


@dataclass(frozen=True)
class Protocol:
    """How a score was made, as far as it changes the score; '' where it does not apply."""

    checkpoint: str = 'last'  # or on what it was the best
    crop: str = 'whole image'  # or the part of each image that is scored
    scales: str = ''  # of the input, if more than one
    flip: bool = False
    method: str = ''  # of localization maps, where it is not CAM
    crf: str = ''  # constants of a dense CRF
    refinement: str = ''  # of the maps, before they become labels
    merging: str = ''  # of class-agnostic masks into the labels
    threshold: str = ''  # of localization maps: fixed, or swept on the ground truth
    ignored: str = ''  # how pixels that a *prediction* ignores (255) count
    labels: str = ''  # where the image-level labels come from
    background: str = ''  # background cue of pseudo labels, with the source of saliency maps
    training: str = ''  # pseudo labels that the network was trained on; '' for masks or unknown

    def __str__(self) -> str:
        """In a few words, without what is usual (last checkpoint, whole image, one scale)."""
        parts = [
            '' if self.checkpoint == 'last' else f'checkpoint {self.checkpoint}',
            '' if self.crop == 'whole image' else self.crop,
            self.scales,
            'flip' if self.flip else '',
            f'maps by {self.method}' if self.method else '',
            f'CRF {self.crf}' if self.crf else '',
            f'maps refined by {self.refinement}' if self.refinement else '',
            f'merged with {self.merging}' if self.merging else '',
            f'threshold {self.threshold}' if self.threshold else '',
            f'255: {self.ignored}' if self.ignored else '',
            f'labels: {self.labels}' if self.labels else '',
            f'background: {self.background}' if self.background else '',
            f'trained on {self.training}' if self.training else '',
        ]
        return '; '.join(part for part in parts if part) or 'standard'


@dataclass(frozen=True)
class Score:
    """One score in percent.

    ``per_class`` has the IoU in percent in the order of the classes, None for a class that does
    not occur; it is empty where the metric has none.
    """

    metric: str
    value: float
    protocol: Protocol
    per_class: Mapping[str, float | None]


@dataclass(frozen=True)
class Evaluation:
    """The scores of one evaluation."""

    task: Task  # of localization maps (seed), pseudo labels, or a segmentation network
    dataset: str
    split: str  # name of the list
    images: int  # number of images
    model: str  # name of the config
    stage: str  # of a pipeline, '' elsewhere
    seed: int | None
    scores: Sequence[Score]
    provenance: Mapping[str, Any]  # hashes of config, list and weights, revision, packages, time


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


def write_evaluations(
    path: Path, evaluations: Sequence[Evaluation], made: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Write the records of a whole run as one JSON list; without any, a dict of what was made.

    Args:
        path: The file.
        evaluations: The records.
        made: What the stages of a run without masks have made, plain values.
    """
    content: Any = [record_content(evaluation) for evaluation in evaluations]
    if made and not evaluations:
        content = dict(format=FORMAT, scored=[], made=list(made))
    write_json(path, content)


def record_content(evaluation: Evaluation) -> dict[str, Any]:
    """A record as the plain values that its file holds."""
    return dict(format=FORMAT, **asdict(evaluation))


def read_evaluation(path: Path) -> Evaluation:
    """Read a record.

    Raises:
        InputError: If the file is none, is damaged, or was written by another version.
    """
    return _evaluation(read_json(path, 'record of an evaluation', _HINT), path)


def read_evaluations(path: Path) -> list[Evaluation]:
    """Read a list of records, such as ``results.json``; errors as :func:`read_evaluation`."""
    content = read_json(path, 'list of records', _HINT)
    if isinstance(content, dict) and 'made' in content:  # by a run without masks
        content = content.get('scored')
    if not isinstance(content, list):
        raise InputError(f'{path}: is no list of records of evaluations; {_HINT}')
    found = []
    for number, item in enumerate(content, 1):
        with naming(f'record {number}'):
            found.append(_evaluation(item, path))
    return found


def _evaluation(content: Any, path: Path) -> Evaluation:
    if not isinstance(content, dict) or 'format' not in content:
        raise InputError(f'{path}: is no record of an evaluation')
    if content.pop('format') != FORMAT:
        raise InputError(f'{path}: was written by another version of mmdrs')
    with reading(path, 'record of an evaluation', _HINT):
        scores = [
            Score(**{**score, 'protocol': Protocol(**score['protocol'])})
            for score in content.pop('scores')
        ]
        found = Evaluation(scores=scores, **content)
        for part in (found, *scores, *(score.protocol for score in scores)):
            _check_types(part)
        listed = found.provenance['list']
        _check_type('list', listed if listed is None else listed['sha256'], str | None)
        for name in ('config_sha256', 'time'):
            _check_type(name, found.provenance[name], str)
        for score in scores:
            for name, value in score.per_class.items():
                _check_type(name, value, float | int | None)
    return found


def _check_types(part: Any) -> None:
    """Check the values of a data class against its annotations."""
    for name, kind in get_type_hints(type(part)).items():
        value = getattr(part, name)
        if get_origin(kind) is Literal:
            if value not in get_args(kind):
                raise ValueError(f'{name} is {value!r}')
        else:
            kind = get_origin(kind) if get_origin(kind) in (Mapping, Sequence) else kind
            _check_type(name, value, float | int if kind is float else kind)


def _check_type(name: str, value: Any, kind: Any) -> None:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f'{name} is {value!r}')
