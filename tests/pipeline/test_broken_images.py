"""Images that cannot be decoded: refused before a run, or left out of all stages."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def test_broken_images_are_left_out_of_all_stages(
    tiny_voc: Path, tmp_path: Path, run_pipeline: Callable[..., None]
) -> None:
    """By choice: without it the run does not begin."""
    root = Path(shutil.copytree(tiny_voc, tmp_path / 'data'))
    (root / 'JPEGImages' / 'img_2.jpg').write_bytes(b'no image')
    arguments = root, tmp_path / 'work', '--to', 'drs_maps'
    with pytest.raises(SystemExit, match=r'image_dir: 1 wrong file:(.|\n)*img_2\.jpg'):
        run_pipeline(*arguments)
    run_pipeline(*arguments, options=('skip_broken=True',))
    for stage in ('plain_maps', 'drs_maps'):
        made = sorted(path.stem for path in (tmp_path / 'work' / stage / 'train').glob('*.npz'))
        assert made == ['img_0', 'img_1', 'img_3', 'img_4', 'img_5']
