"""Masks of a segmenter merged into finished labels of any method: resumable, in processes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from mmdrs.apis.pool import ordered_map
from mmdrs.engine import Progress
from mmdrs.errors import InputError, MissingFileError, naming
from mmdrs.files import file_digest
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.label_file import (
    read_label,
    read_label_record,
    read_palette,
    write_label,
)
from mmdrs.pseudo_labels.output_paths import check_outputs, output_path
from mmdrs.pseudo_labels.palette import voc_palette
from mmdrs.pseudo_labels.rules_file import read_rules, write_rules
from mmdrs.pseudo_labels.segments import SegmentMerging
from mmdrs.pseudo_labels.segments_file import read_segments, segments_digest, segments_path

#: Labels that a process merges at once.
_CHUNK = 8


class _Job(NamedTuple):
    """An image: its label, its masks, and the merged label."""

    label: Path
    segments: str
    out: Path


@dataclass(frozen=True)
class _Work:
    """Merges the label of a job unless that is done; sent to each process."""

    merging: SegmentMerging

    def __call__(self, job: _Job) -> bool:
        """Whether it was merged now."""
        record = dict(
            label=file_digest(job.label),
            merge=self.merging.deciding(),
            segments=segments_digest(job.segments),
        )
        if read_label_record(job.out) == record:
            return False
        label = read_label(job.label)
        with naming(job.label):
            merged = self.merging.merge(label, read_segments(job.segments, label.shape))
        palette = read_palette(job.label) or voc_palette(IGNORE_LABEL + 1)
        write_label(job.out, merged, palette, record)
        return True


def merge_labels(
    labels: str | Path,
    segments: str | Path,
    out_dir: str | Path,
    ids: Sequence[str],
    merging: SegmentMerging,
    workers: int = 0,
    progress: Progress | None = None,
) -> int:
    """Write the merged labels ``<out_dir>/<image id>.png``, with the palette of the given ones.

    A label made of the same label and masks is kept. Rules beside the labels, see
    :mod:`~mmdrs.pseudo_labels.rules_file`, are written beside the merged ones, with ``merge``.

    Args:
        labels: Folder of the labels ``<id>.png``.
        segments: Folder of the masks, see :mod:`~mmdrs.pseudo_labels.segments_file`.
        out_dir: Folder of the merged labels.
        ids: The images.
        merging: The rule.
        workers: Processes, see :func:`~mmdrs.apis.ordered_map`.
        progress: Shows the images.

    Returns:
        How many were merged now; the others were there.

    Raises:
        MissingFileError: If labels or masks are missing; names the first and counts them.
        InputError: If a file is damaged or does not fit, or a file that is no result of this
            function would be overwritten; names it.
    """
    rules = read_rules(labels)
    if rules is not None and rules.merge is not None:
        raise InputError(f'masks are merged into the labels of {labels} already')
    jobs = [
        _Job(
            output_path(labels, name, '.png'),
            segments_path(segments, name),
            output_path(out_dir, name, '.png'),
        )
        for name in ids
    ]
    _check_missing([str(job.label) for job in jobs], 'label', labels)
    _check_missing([job.segments for job in jobs], 'masks', segments)
    _check_overwritten(jobs, ids, out_dir)
    made = 0
    done = ordered_map(_Work(merging), jobs, min(workers, len(jobs) // _CHUNK), _CHUNK)
    for number, merged in enumerate(done, 1):
        made += merged
        if progress:
            progress.step(number, len(jobs))
    if rules is not None:
        write_rules(out_dir, replace(rules, merge=merging))
    return made


def _check_missing(paths: Sequence[str], what: str, folder: str | Path) -> None:
    missing = [path for path in paths if not Path(path).exists()]
    if missing:
        raise MissingFileError(
            f'{len(missing)} of {len(paths)} images have no {what} in {folder}: there is no '
            f'{missing[0]}; to merge fewer images, give --list a list of them'
        )


def _check_overwritten(jobs: Sequence[_Job], ids: Sequence[str], out_dir: str | Path) -> None:
    images = [
        dict(img_id=name, img_path=str(job.label)) for name, job in zip(ids, jobs, strict=True)
    ]
    check_outputs([(out_dir, '.png')], images)
    for job in jobs:
        if job.out.exists() and 'merge' not in (read_label_record(job.out) or {'merge': None}):
            raise InputError(
                f'{job.out} is a label that was not made by merging, and would be overwritten; '
                'give another output folder'
            )
