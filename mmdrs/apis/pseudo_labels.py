"""Pseudo labels from stored localization maps: many images, several processes, resumable."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.dist import get_dist_info, is_main_process
from mmseg.registry import DATASETS

from mmdrs.apis.pool import ordered_map
from mmdrs.engine import Progress, record_path
from mmdrs.errors import MissingFileError, naming
from mmdrs.evaluation.functional.scores import FusedCounts
from mmdrs.evaluation.metrics.background import warn_of_background
from mmdrs.evaluation.records.building import gather_counts, label_evaluation
from mmdrs.evaluation.records.record import Evaluation, write_evaluation
from mmdrs.files import file_digest
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.label_file import read_label
from mmdrs.pseudo_labels.maker import ImageFiles, LabelMaker
from mmdrs.pseudo_labels.map_file import read_maps, read_record
from mmdrs.pseudo_labels.output_paths import EVALUATED, check_outputs, output_path
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.rules_file import write_rules

#: Labels that a process makes at once: passing on one result costs a tenth of making a label.
#: With a CRF or refinement, which take seconds, it is one.
CHUNK = 8


class _Job(NamedTuple):
    image: ImageFiles
    map_path: Path
    seg_map_path: str | None
    finished: bool


@dataclass(frozen=True)
class _Work:
    """Makes or reads the label of a job, and counts it; sent to each process."""

    maker: LabelMaker
    num_classes: int

    def __call__(self, job: _Job) -> FusedCounts | None:
        if job.finished:
            labels = self.maker.read(job.image)
        else:
            maps = read_maps(job.map_path)
            labels = self.maker.make(job.image, maps, _record(job.map_path, maps.record))
        if job.seg_map_path is None:
            return None
        actual = read_label(job.seg_map_path)
        with naming(job.seg_map_path):
            return FusedCounts.of(labels, actual, self.num_classes)


def label_dataset(
    cfg: Config,
    map_dir: str | Path,
    out_dir: str | Path | None,
    rules: LabelRules,
    workers: int = 0,
    title: str = 'pseudo labels',
    checkpoint: str | None = None,
    stage: str = '',
) -> Evaluation | None:
    """Fuse the stored maps of a config's test data set; record the scores in ``cfg.work_dir``.

    The rules are written beside the labels, see ``mmdrs.pseudo_labels.rules_file``.

    Args:
        cfg: Config of the network that made the maps.
        map_dir, out_dir, rules, workers: As in :func:`make_pseudo_labels`.
        title: Title of the progress lines.
        checkpoint: The network's weights, for the record, where they are known.
        stage: Stage of a pipeline, for the record.

    Returns:
        The record; None without masks, and in all processes but the first.

    Raises:
        InputError: As :func:`make_pseudo_labels`.
    """
    dataset = DATASETS.build(dict(cfg.test_dataloader.dataset, pipeline=[]))
    classes, palette = dataset.metainfo['classes'], dataset.metainfo['palette']
    images = (dataset.get_data_info(index) for index in range(len(dataset)))
    progress = Progress(title)
    counts = gather_counts(
        make_pseudo_labels(
            images, map_dir, out_dir, rules, palette, len(classes), workers, progress
        )
    )
    if out_dir and is_main_process():
        write_rules(out_dir, rules)
        if not any(
            _has_object(Path(out_dir), dataset.get_data_info(i)) for i in range(len(dataset))
        ):
            warn_of_background('labels')
    if counts is None or not is_main_process():
        return None
    maps = read_record(output_path(map_dir, dataset.get_data_info(0)['img_id'], '.npz'))
    record = label_evaluation(cfg, counts, rules, classes, checkpoint, stage, maps)
    write_evaluation(record_path(Path(cfg.work_dir), record), record)
    return record


def _has_object(folder: Path, info: dict[str, Any]) -> bool:
    """Whether the label of an image has a pixel of a class."""
    label = read_label(output_path(folder, info['img_id'], '.png'))
    return bool(((label > 0) & (label != IGNORE_LABEL)).any())


def make_pseudo_labels(
    images: Iterable[dict[str, Any]],
    map_dir: str | Path,
    out_dir: str | Path | None,
    rules: LabelRules,
    palette: Sequence[Sequence[int]],
    num_classes: int,
    workers: int = 0,
    progress: Progress | None = None,
) -> Iterator[FusedCounts | None]:
    """Fuse the stored maps of many images; under a launcher each process takes its share.

    A label made of the same maps, saliency map, masks and rules is not made again. Where maps are
    gone, their labels are kept.

    Args:
        images: Data infos of :class:`~mmdrs.datasets.ImageLabelDataset`: ``img_id``,
            ``img_path``, ``saliency_path`` where the cue needs one, ``segments_path`` with
            ``merge``, ``seg_map_path`` to be scored.
        map_dir: Folder of the map files.
        out_dir: Folder of the label PNGs; None only scores.
        rules: How maps become labels.
        palette: Red, green and blue of each class.
        num_classes: Classes, background included.
        workers: Processes beside this one, see :func:`~mmdrs.apis.ordered_map`.
        progress: Shows the labels of this process; those of an earlier run do not count in its
            estimate of the time left.

    Yields:
        For each image of this process, in order, the counts of its label; None without ground
        truth.

    Raises:
        MissingFileError: If maps are missing; names the first and counts them.
        InputError: If a file of an image is damaged or does not fit, or if a label would overwrite
            a file of the user's; names the file.
    """
    maker = LabelMaker(rules, palette, Path(out_dir) if out_dir else None)
    rank, world = get_dist_info()
    images = list(images)
    if out_dir:
        check_outputs([(out_dir, '.png'), (Path(out_dir) / EVALUATED, '.png')], images)
    jobs = [_job(image, Path(map_dir), maker) for image in images[rank::world]]
    _check_maps(jobs, map_dir)
    left = [job for job in jobs if not (job.finished and job.seg_map_path is None)]
    done = len(jobs) - len(left)
    if progress:
        progress.start(done)
    chunk = 1 if rules.needs_image else CHUNK
    workers = min(workers, len(left) // chunk)  # none for what one process makes at once
    counted = ordered_map(_Work(maker, num_classes), left, workers, chunk)
    for job in jobs:
        if job.finished and job.seg_map_path is None:
            yield None
            continue
        counts = next(counted)
        done += 1
        if progress:
            progress.step(done, len(jobs))
        yield counts


def _job(info: dict[str, Any], map_dir: Path, maker: LabelMaker) -> _Job:
    mask, path = info.get('seg_map_path'), output_path(map_dir, info['img_id'], '.npz')
    saliency = info.get('saliency_path') if maker.rules.background_cue.needs_saliency else None
    segments = info.get('segments_path') if maker.rules.merge else None
    image = ImageFiles(info['img_id'], info['img_path'], saliency, mask is not None, segments)
    return _Job(image, path, mask, maker.has_files(image) and _finished(image, path, maker))


def _finished(image: ImageFiles, map_path: Path, maker: LabelMaker) -> bool:
    if not map_path.is_file():
        return maker.finished(image, None)
    found = read_record(map_path)
    # A damaged file is named when its maps are read.
    return found is not None and maker.finished(image, _record(map_path, found))


def _record(map_path: Path, found: dict[str, Any]) -> dict[str, Any]:
    """The record of a map file, or a digest of its content where it has none."""
    return found or dict(file=file_digest(map_path))


def _check_maps(jobs: Sequence[_Job], map_dir: str | Path) -> None:
    missing = [job.map_path for job in jobs if not job.finished and not job.map_path.is_file()]
    if missing:
        raise MissingFileError(
            f'{len(missing)} of {len(jobs)} localization maps are missing in {map_dir}, the first '
            f'is {missing[0]}; run the stage that makes them (tools/test.py --out)'
        )
