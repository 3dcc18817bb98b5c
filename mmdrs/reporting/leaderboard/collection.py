"""The records of evaluations below work directories, as far as they belong together."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmdrs.errors import InputError
from mmdrs.evaluation.records.record import Evaluation, read_evaluation
from mmdrs.stage_state import is_generation

#: A record and the work directory that it was found in.
Found = tuple[Path, Evaluation]


def collect(work_dirs: Sequence[Path], dataset: str = '') -> tuple[list[Found], list[str]]:
    """Read the records below work directories.

    What does not belong together is left out with a reason, never averaged in: unfinished
    stages, other data sets, other classes. Earlier generations of stages are ignored.

    Args:
        work_dirs: Work directories of tools/test.py or of the pipeline.
        dataset: The data set to show; '' is that of the first record.

    Returns:
        The records, and a line on each that was left out.

    Raises:
        InputError: If a directory does not exist, or nothing usable is found.
    """
    found: list[Found] = []
    left_out: list[str] = []
    for work_dir in work_dirs:
        if not work_dir.is_dir():
            raise InputError(f'{work_dir} is no directory')
        found += _read_records(work_dir, left_out)
    if not found:
        reasons = ''.join(f'\n  {line}' for line in left_out)
        raise InputError(f'no finished evaluation in the given directories{reasons}')
    names = list(dict.fromkeys(evaluation.dataset for _, evaluation in found))
    wanted = dataset or names[0]
    if wanted not in names:
        raise InputError(f'no evaluation on the data set {wanted!r}; there are {names}')
    classes = next((c for _, e in found if e.dataset == wanted and (c := _classes(e))), ())
    kept = []
    for work_dir, evaluation in found:
        reason = _mismatch(evaluation, wanted, classes)
        if reason:
            name = evaluation.stage or evaluation.model
            left_out.append(f'{work_dir} ({name}, {evaluation.split}): {reason}')
        else:
            kept.append((work_dir, evaluation))
    return kept, left_out


def _read_records(work_dir: Path, left_out: list[str]) -> Iterator[Found]:
    """The records of finished stages and of tests; adds to ``left_out`` what has none."""
    for started in _files(work_dir, 'started.json'):
        if not (started.parent / 'done.json').is_file():
            left_out.append(f'{started.parent}: the stage was interrupted')
    paths = _files(work_dir, 'results/*.json')
    if not paths:
        left_out.append(f'{work_dir}: holds no results/*.json of a finished evaluation')
    for path in paths:
        try:
            evaluation = read_evaluation(path)
        except InputError as error:
            left_out.append(str(error))
            continue
        # Records of an interrupted stage are dropped: the stage was named above.
        if not evaluation.stage or (path.parents[1] / 'done.json').is_file():
            yield work_dir, evaluation


def _files(work_dir: Path, pattern: str) -> list[Path]:
    """Files below a work directory, without earlier generations and temporary files."""
    return [
        path
        for path in sorted(work_dir.rglob(pattern))
        if not path.name.startswith('.')
        and not any(map(is_generation, path.relative_to(work_dir).parts))
    ]


def _mismatch(evaluation: Evaluation, dataset: str, classes: tuple[str, ...]) -> str:
    """Why a record cannot be compared with the others; '' if it can."""
    if evaluation.dataset != dataset:
        return f'data set {evaluation.dataset!r}, not {dataset!r}'
    own = _classes(evaluation)
    if not own or own == classes:
        return ''
    names = ', '.join(own[:3])
    return f'other classes: {len(own)} ({names}, ...) where the first record has {len(classes)}'


def _classes(evaluation: Evaluation) -> tuple[str, ...]:
    return next((tuple(s.per_class) for s in evaluation.scores if s.per_class), ())
