"""Pseudo labels from stored localization maps: many images, several processes, resumable."""

import pickle
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from mmengine.dist import get_dist_info
from torch.utils.data import DataLoader, Dataset

from mmdrs.engine import Progress
from mmdrs.errors import InputError, MissingFileError
from mmdrs.evaluation.functional.scores import FusedCounts, count_label
from mmdrs.pseudo_labels.label_file import read_label, read_label_settings, write_label
from mmdrs.pseudo_labels.map_file import read_maps
from mmdrs.pseudo_labels.rules import LabelRules

#: Images that a process makes at once: handing over one result costs a tenth of making a label.
#: With a CRF, which takes seconds, it is one.
CHUNK = 8


class _Job(NamedTuple):
    """The files of one label; a None is not needed.

    A CRF costs seconds an image, and the label as evaluated cannot be told from the one written:
    with both a CRF and ground truth it is kept, so that a run that goes on need not begin anew.
    """

    img_path: str
    map_path: str
    saliency_path: str | None
    seg_map_path: str | None
    label_path: str | None
    evaluated_path: str | None

    def has_label(self, rules: dict) -> bool:
        """Whether the label is there, made by these rules and not of older maps."""
        if self.label_path is None or not Path(self.label_path).is_file():
            return False
        found = read_label_settings(self.label_path) or {}
        if found.get('rules') != rules:
            return False
        maps = Path(self.map_path)
        return not (maps.is_file() and _time(maps) > _time(Path(self.label_path)))

    def made(self, rules: dict) -> bool:
        """Whether everything that comes of the maps is there."""
        if not self.has_label(rules):
            return False
        if self.seg_map_path is None:
            return True
        return self.evaluated_path is not None and Path(self.evaluated_path).is_file()


def _time(path: Path) -> int:
    return path.stat().st_mtime_ns


class _Labels(Dataset):
    """Item i makes label i. A DataLoader over it is the pool of processes, in order.

    The jobs are one string of bytes: a process that only looks at a Python object writes its
    reference count, and so gets a copy of the memory around it.
    """

    def __init__(
        self, jobs: Sequence[_Job], rules: LabelRules, palette: Sequence, num_classes: int
    ) -> None:
        packed = [pickle.dumps(job) for job in jobs]
        self.ends = np.cumsum([len(job) for job in packed], dtype=np.int64)
        self.packed = b''.join(packed)
        self.rules = rules
        self.rules_config = rules.to_config()
        self.palette = palette
        self.num_classes = num_classes

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> FusedCounts | Exception | None:
        """Make a label. Errors of files are returned: a DataLoader would pack them in its own."""
        begin = self.ends[index - 1] if index else 0
        job = pickle.loads(self.packed[begin : self.ends[index]])
        try:
            written, evaluated = (
                self._kept(job) if job.made(self.rules_config) else self._make(job)
            )
            if job.seg_map_path is None:
                return None
            actual = read_label(job.seg_map_path)
            return FusedCounts(
                count_label(evaluated, actual, self.num_classes),
                count_label(written, actual, self.num_classes),
            )
        except (InputError, OSError) as error:
            return error

    @staticmethod
    def _kept(job: _Job) -> tuple[np.ndarray, np.ndarray]:
        return read_label(job.label_path), read_label(job.evaluated_path)

    def _make(self, job: _Job) -> tuple[np.ndarray, np.ndarray]:
        """The label as written and as evaluated; writes it unless it is there."""
        stored = read_maps(job.map_path)
        size = stored.original_size
        labels = self.rules.fuse(
            stored.floats(), stored.labels, size, self._saliency(job, size), job.img_path
        )
        if job.label_path is not None and not job.has_label(self.rules_config):
            if job.evaluated_path is not None:
                write_label(job.evaluated_path, labels[1], self.palette)
            # Last, as it says that the job is done.
            settings = dict(stored.settings, rules=self.rules_config)
            write_label(job.label_path, labels[0], self.palette, settings)
        return labels

    def _saliency(self, job: _Job, size: tuple[int, int]) -> np.ndarray | None:
        if not self.rules.background_cue.needs_saliency:
            return None
        saliency = read_label(job.saliency_path)
        if saliency.shape != size:
            raise InputError(
                f'{job.saliency_path} is {saliency.shape}, its image {job.img_path} is {size} '
                '(height, width)'
            )
        return saliency


def make_pseudo_labels(
    images: Iterable[dict],
    map_dir: str | Path,
    out_dir: str | Path | None,
    rules: LabelRules,
    palette: Sequence[Sequence[int]],
    num_classes: int,
    workers: int = 0,
    progress: Progress | None = None,
) -> Iterator[FusedCounts | None]:
    """Fuse the stored maps of many images; under a launcher each process takes its share.

    A label that is there already, made by the same rules and not of older maps, is not written
    again, and not computed again unless it is to be scored. With a dense CRF not even then: what
    its scoring needs is kept in ``<out_dir>/.evaluated``.

    Args:
        images: Data infos of :class:`~mmdrs.datasets.ImageLabelDataset`: ``img_id``,
            ``img_path``, ``saliency_path`` where the cue needs one, ``seg_map_path`` to be scored.
        map_dir: Folder of the map files.
        out_dir: Folder of the label PNGs; None only scores.
        rules: How maps become labels.
        palette: Red, green and blue of each class.
        num_classes: Classes, background included.
        workers: Processes beside this one.
        progress: Told of every label of this process; labels of an earlier run do not count in
            its estimate of the time left.

    Yields:
        For each image of this process, in order, the counts of its label; None without ground
        truth.

    Raises:
        FileNotFoundError: If maps are missing; names the first and counts them.
        ValueError: If a file of an image is damaged or does not fit; names the file.
    """
    labels, skipped = _share(images, Path(map_dir), out_dir, rules, palette, num_classes)
    done = sum(skipped)
    if progress:
        progress.start(done)
    chunks = DataLoader(
        labels,
        batch_size=1 if rules.crf else CHUNK,
        collate_fn=list,
        num_workers=min(workers, len(labels)),  # none where all labels are there
        worker_init_fn=_one_thread,
    )
    made = chain.from_iterable(chunks)
    for skip in skipped:
        if skip:
            yield None
            continue
        counts = next(made)
        if isinstance(counts, Exception):
            raise counts
        done += 1
        if progress:
            progress.step(done, len(skipped))
        yield counts


def _share(
    images: Iterable[dict],
    map_dir: Path,
    out_dir: str | Path | None,
    rules: LabelRules,
    palette: Sequence[Sequence[int]],
    num_classes: int,
) -> tuple[_Labels, list[bool]]:
    """The labels this process makes, and which of all its images need none."""
    jobs = [_job(image, map_dir, Path(out_dir) if out_dir else None, rules) for image in images]
    made = [job.made(rules.to_config()) for job in jobs]
    missing = [
        job.map_path
        for job, there in zip(jobs, made, strict=True)
        if not there and not Path(job.map_path).is_file()
    ]
    if missing:
        raise MissingFileError(
            f'{len(missing)} of {len(jobs)} localization maps are missing in {map_dir}, the first '
            f'is {missing[0]}; run the stage that makes them (tools/test.py --out)'
        )
    rank, world = get_dist_info()
    jobs = jobs[rank::world]
    skipped = [
        there and job.seg_map_path is None
        for job, there in zip(jobs, made[rank::world], strict=True)
    ]
    left = [job for job, skip in zip(jobs, skipped, strict=True) if not skip]
    return _Labels(left, rules, palette, num_classes), skipped


def _job(image: dict, map_dir: Path, out_dir: Path | None, rules: LabelRules) -> _Job:
    name, scored = image['img_id'], image.get('seg_map_path') is not None
    keeps = out_dir and scored and rules.crf is not None
    return _Job(
        image['img_path'],
        str(map_dir / f'{name}.npz'),
        image.get('saliency_path'),
        image.get('seg_map_path'),
        str(out_dir / f'{name}.png') if out_dir else None,
        str(out_dir / '.evaluated' / f'{name}.png') if keeps else None,
    )


def _one_thread(worker: int) -> None:
    torch.set_num_threads(1)
