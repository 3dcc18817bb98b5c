"""The stage that chooses between the maps of the plain classifier and those of the DRS one."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from mmengine.dist import is_main_process
from mmseg.registry import DATASETS

from mmdrs.apis.checkpoint import last_accuracy
from mmdrs.apis.pool import ordered_map
from mmdrs.engine import Progress
from mmdrs.files import write_json
from mmdrs.models.utils.cam import resize_array
from mmdrs.pipeline.runs.labels import without_scoring
from mmdrs.pipeline.runs.stage_run import StageRun
from mmdrs.pipeline.stages import COMPARED, stage_of
from mmdrs.pseudo_labels.constants import MAP_THRESHOLD, SALIENCY_THRESHOLD
from mmdrs.pseudo_labels.image_file import read_saliency
from mmdrs.pseudo_labels.map_file import read_maps
from mmdrs.pseudo_labels.output_paths import output_path
from mmdrs.reading import read_json, reading
from mmdrs.stage_state import Fingerprint, StageState

#: Percentage points by which the DRS classifier may be worse. In the runs of docs/results.md,
#: labels of DRS maps with 1 point less coverage were never better than the plain ones.
COVERAGE_MARGIN = 1.0
ACCURACY_MARGIN = 3.0


@dataclass(frozen=True)
class Quality:
    """What can be said of a classifier and its maps without masks, in percent.

    Attributes:
        accuracy: Right decisions on image labels in the last epoch; None where it was not logged.
        coverage: Share of the salient pixels whose map reaches the threshold; of all pixels where
            there are no saliency maps.
    """

    accuracy: float | None
    coverage: float


def judge(plain: Quality, drs: Quality) -> list[str]:
    """In what the DRS classifier falls behind the plain one; empty where it does not."""
    behind = []
    if plain.coverage - drs.coverage > COVERAGE_MARGIN:
        behind.append(f'its maps cover {drs.coverage:.1f} % instead of {plain.coverage:.1f} %')
    if plain.accuracy is None or drs.accuracy is None:
        return behind
    if plain.accuracy - drs.accuracy > ACCURACY_MARGIN:
        behind.append(
            f'its image labels are right in {drs.accuracy:.1f} % of the cases instead of '
            f'{plain.accuracy:.1f} %'
        )
    return behind


class Coverage(NamedTuple):
    """Pixels that should be covered, and how many of them are."""

    covered: int
    pixels: int

    @classmethod
    def of(cls, maps: np.ndarray, saliency: np.ndarray | None) -> 'Coverage':
        """Of maps (K, h, w) and a saliency map (H, W), 0..255; None: all pixels."""
        if saliency is None:
            salient = np.ones(maps.shape[1:], bool)
        else:
            maps, salient = resize_array(maps, saliency.shape), saliency > SALIENCY_THRESHOLD
        reached = maps.max(axis=0, initial=0) >= MAP_THRESHOLD
        return cls(int((reached & salient).sum()), int(salient.sum()))


def _coverage(job: tuple[Path, str | None]) -> Coverage:
    maps = read_maps(job[0])
    saliency = read_saliency(job[1], maps.original_size) if job[1] else None
    return Coverage.of(maps.floats(), saliency)


def read_choice(folder: Path) -> dict[str, Any]:
    """What a :class:`ChoiceRun` has written: ``chosen`` and ``made_of``, among others.

    Raises:
        InputError: If it is missing or damaged.
    """
    path, hint = folder / 'choice.json', 'give --again map_choice'
    content = read_json(path, 'choice of maps', hint)
    with reading(path, 'choice of maps', hint):
        if content['chosen'] not in content['made_of']:
            raise ValueError(f'chosen is {content["chosen"]!r}')
    return content


class ChoiceRun(StageRun):
    """Chooses the maps that the refinement learns, without masks.

    The DRS maps are chosen unless their classifier falls behind the plain one, see :func:`judge`:
    a recipe that does not suit the network may lose 25 points (docs/when-drs-helps.md).
    """

    INGREDIENTS: ClassVar[tuple[str, ...]] = ('test_dataloader',)

    def ingredients(self) -> dict[str, Any]:
        """Without the label rules: other rules change neither the maps nor the choice."""
        return without_scoring(super().ingredients(), 'seg_map_path', 'segments_path')

    def score_ingredients(self) -> dict[str, Any]:
        """Nothing: it has no scores."""
        return {}

    def file_kinds(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return ('saliency_path',), ()

    def lists(self) -> list[Path]:
        return super().lists()[:1]

    def given_datasets(self) -> list[dict]:
        dataset = self.split_config('train').test_dataloader.dataset
        prefix = dict(dataset.data_prefix, seg_map_path=None, segments_path=None)
        return [dict(dataset, data_prefix=prefix, pipeline=[])]

    def product(self, made: Fingerprint, inputs: Sequence[str]) -> str:
        """The chosen maps, where the choice was between the present ones."""
        if (self.folder / 'choice.json').is_file():
            choice = read_choice(self.folder)
            if list(choice['made_of'].values()) == list(inputs):
                return choice['made_of'][choice['chosen']]
        return made.files

    def run(self, resume: bool) -> None:
        if not is_main_process():
            return
        plain, drs = (self._quality(name) for name in COMPARED)
        behind = judge(plain, drs)
        chosen = COMPARED[0] if behind else COMPARED[1]
        if behind:
            print(
                f'  WARNING: DRS falls behind the plain classifier: {"; ".join(behind)}. The '
                "refinement learns the plain maps (refine_from='drs_maps' learns the others); "
                'docs/when-drs-helps.md says what to change'
            )
        else:
            print(f'  DRS does not fall behind: {_words(drs)}; plain: {_words(plain)}')
        content = dict(
            chosen=chosen,
            behind=behind,
            qualities=dict(zip(COMPARED, (asdict(plain), asdict(drs)), strict=True)),
            made_of={name: StageState(self.work_dir / name).fingerprint for name in COMPARED},
        )
        write_json(self.folder / 'choice.json', content)

    def _quality(self, name: str) -> Quality:
        """Of the maps of a stage, on the training images."""
        dataset = DATASETS.build(self.given_datasets()[0])
        folder = self.work_dir / name / 'train'
        infos = [dataset.get_data_info(index) for index in range(len(dataset))]
        jobs = [
            (output_path(folder, info['img_id'], '.npz'), info.get('saliency_path'))
            for info in infos
        ]
        progress, counts = Progress(f'coverage of {name}'), []
        workers = min(self.settings.get('num_workers') or 0, len(jobs) // 100)
        for count in ordered_map(_coverage, jobs, workers, chunk=8):
            counts.append(count)
            progress.step(len(counts), len(jobs))
        covered, pixels = (sum(part) for part in zip(*counts, strict=True))
        accuracy = last_accuracy(self.checkpoint(stage_of(name).trained))
        return Quality(accuracy, 100 * covered / max(1, pixels))


def _words(quality: Quality) -> str:
    accuracy = '' if quality.accuracy is None else f'accuracy {quality.accuracy:.1f} %, '
    return f'{accuracy}coverage {quality.coverage:.1f} %'
