"""Saliency maps of a folder of images: one PNG an image, resumable, with their source."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mmdrs.engine import Progress
from mmdrs.errors import InputError
from mmdrs.files import written_whole
from mmdrs.pseudo_labels.constants import SALIENCY_THRESHOLD
from mmdrs.pseudo_labels.image_file import read_saliency
from mmdrs.pseudo_labels.label_file import read_label_record, record_text
from mmdrs.pseudo_labels.output_paths import check_outputs, output_path
from mmdrs.pseudo_labels.saliency import SaliencyModel
from mmdrs.pseudo_labels.saliency_source import write_source


@dataclass
class SaliencySummary:
    """What the maps of a folder look like.

    Attributes:
        made: Maps that were made now.
        kept: Maps of an earlier run.
        failed: Images without a map, with the reason.
        salient: Share of the salient pixels of each map, 0..1.
    """

    made: int
    kept: int
    failed: dict[str, str]
    salient: dict[str, float]

    def empty(self) -> list[str]:
        """Images whose maps hold no salient pixel: their labels would be background only."""
        return [name for name, share in self.salient.items() if share == 0]


def make_saliency(
    images: Mapping[str, Path],
    out_dir: str | Path,
    model: SaliencyModel,
    progress: Progress | None = None,
) -> SaliencySummary:
    """Write the saliency maps ``<out_dir>/<image id>.png``, 0..255, of the images' sizes.

    A map that the same model has made is kept. ``saliency.json`` beside them says what made them.

    Args:
        images: Image files by id.
        out_dir: Folder of the maps.
        model: Makes them.
        progress: Shows how many are done.

    Returns:
        A summary; an image that cannot be read, or has no map to be taken, is in ``failed``.

    Raises:
        InputError: If a map would overwrite a file that is none of this package, or ``out_dir``
            holds maps of another model.
    """
    out_dir = Path(out_dir)
    check_outputs(
        [(out_dir, '.png')], [dict(img_id=k, img_path=str(path)) for k, path in images.items()]
    )
    record = dict(saliency=model.source)
    present = {name: read_label_record(_path(out_dir, name)) for name in images}
    other = next((name for name, found in present.items() if found not in (None, record)), None)
    if other is not None:
        maker = (present[other] or {}).get('saliency', 'something else')
        raise InputError(
            f'{_path(out_dir, other)} was made by {maker}, not by {model.source}: give another '
            'output folder, or remove it'
        )
    out_dir.mkdir(parents=True, exist_ok=True)
    write_source(out_dir, model.source)
    summary = SaliencySummary(0, sum(found is not None for found in present.values()), {}, {})
    if progress:
        progress.start(summary.kept)
    for name, path in images.items():
        target = _path(out_dir, name)
        try:
            saliency = read_saliency(target) if present[name] else model.map_of(path, name)
        except InputError as error:
            summary.failed[name] = str(error)
            continue
        if not present[name]:
            _write(target, saliency, record)
            summary.made += 1
        summary.salient[name] = float((saliency > SALIENCY_THRESHOLD).mean())
        if progress:
            progress.step(summary.kept + summary.made, len(images))
    return summary


def _path(out_dir: Path, name: str) -> Path:
    return output_path(out_dir, name, '.png')


def _write(path: Path, saliency: np.ndarray, record: Mapping[str, str]) -> None:
    info = PngInfo()
    info.add_text(*record_text(record))
    with written_whole(path) as temporary:
        Image.fromarray(saliency).save(temporary, format='PNG', pnginfo=info)
