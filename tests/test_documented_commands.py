"""The commands of README and docs for users, run from an installed wheel in an empty folder."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.pipeline_runs import ROOT, tiny_options
from tests.test_packaging import build, source  # noqa: F401 - a fixture

DOCUMENTS = (
    'README.md',
    *('docs/get_started.md', 'docs/own-data.md', 'docs/cues.md', 'docs/better-labels.md'),
    *('docs/backbones.md', 'docs/evaluation.md'),
)
#: So small that the whole pipeline takes some seconds.
TINY = ' '.join(
    f'"{option}"'
    for option in tiny_options(Path())
    if not option.startswith(('data_root', 'classes', 'train_list', 'val_list', 'seed', 'pseudo'))
)
#: What is added to a command, or stands in its place where it names what a reader must choose.
CHANGED = {
    'mmdrs init photos --out settings.py': '{} --checkpoint none --overwrite',
    'mmdrs init photos --out settings.py --overwrite': '{} --checkpoint none',
    'mmdrs run settings.py --work-dir run': f'{{}} --cfg-options {TINY}',
    'mmdrs run settings.py --work-dir run --cfg-options seed=1 segmentation_epochs=60': (
        f'{{}} {TINY} --to plain_classifier --work-dir run_1'
    ),
    'mmdrs run settings.py --work-dir run --cfg-options self_training.rounds=1': (
        f'{{}} "self_training.scales=(1.0,)" self_training.flip=False {TINY}'
    ),
    'mmdrs run settings.py --work-dir run --cfg-options segments_dir=../sam '
    'pseudo_labels.merge.type=SegmentMerging pseudo_labels.merge.source=SAM': (
        f'{{}} {TINY} --to pseudo_labels'
    ),
    'mmdrs doctor settings.py': f'{{}} --cfg-options {TINY}',
    'mmdrs score run/plain_maps/train --masks MASKS --classes background cat dog '
    '--saliency SALIENCY': 'mmdrs score maps --masks masks --dataset voc12 --saliency saliency',
    'mmdrs report work_dirs/demo': 'mmdrs report run',
    'mmdrs leaderboard work_dirs/run_0 work_dirs/run_1': 'mmdrs leaderboard work_dirs/labels',
    'mmdrs places CONFIG': 'mmdrs places mmdrs::custom/plain-classifier_custom.py',
}
#: Run before the others: they use what these leave.
FIRST = (
    'mmdrs init photos --out settings.py',
    'mmdrs run settings.py --work-dir run',
    'mmdrs score labels --masks masks --dataset voc12',
)
#: Commands of extras that may not be installed.
NEEDS = {'onnx': 'onnxscript'}
_RUNNER = """
import importlib.util, json, sys
import mmdrs_command
for number, line in enumerate(json.load(open('commands.json'))):
    print(f'=== {number}', flush=True)
    try:
        mmdrs_command.main(line[1:])
    except SystemExit as error:
        if error.code:
            sys.exit(f'{line}: {error.code}')
print(sys.modules['mmdrs'].__file__)
"""


def documented() -> list[str]:
    """The commands in blocks of shell code, without comments, in order, each once."""
    found = []
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding='utf-8')
        for block in re.findall(r'```shell\n(.*?)```', text, re.DOTALL):
            lines = block.replace('\\\n', ' ').splitlines()
            found += [' '.join(re.sub(r'\s+#.*', '', line).split()) for line in lines]
    return list(dict.fromkeys(line for line in found if line.startswith('mmdrs ')))


def picture(path: Path, kind: int, seed: int) -> None:
    """A photograph of sorts: noise, and a disc or a bar in the middle."""
    pixels = np.random.default_rng(seed).integers(90, 160, (48, 64, 3), np.uint8)
    if kind:
        cv2.circle(pixels, (32, 24), 12, (200, 40, 40), -1)
    else:
        cv2.rectangle(pixels, (10, 18), (54, 30), (40, 40, 220), -1)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the commands name: photographs in class folders, and the files of other methods."""
    root = tmp_path / 'user'
    for number in range(6):
        name = ('sea lion', 'dog')[number % 2]
        picture(root / 'photos' / name / f'IMG {number}.JPG', number % 2, number)
    picture(root / 'new_photo.jpg', 1, 10)
    picture(root / 'new_photos' / 'a.jpg', 0, 11)
    label = np.zeros((48, 64), np.uint8)
    label[18:30, 10:54] = 12  # a dog of VOC
    for name in ('masks', 'labels', 'SegmentationClass', 'saliency', 'maps'):
        (root / name).mkdir()
    for name in ('masks', 'labels', 'SegmentationClass'):
        Image.fromarray(label).save(root / name / 'x.png')
    Image.fromarray(np.where(label, 255, 0).astype(np.uint8)).save(root / 'saliency' / 'x.png')
    np.save(root / 'maps' / 'x.npy', {'keys': np.array([11]), 'high_res': label[None] / 12})
    (root / 'val.txt').write_text('x\n')
    images = [dict(id=1, file_name='sea lion/IMG 0.JPG'), dict(id=2, file_name='dog/IMG 1.JPG')]
    marks = [dict(id=i, image_id=i, category_id=i, bbox=[1, 1, 9, 9], area=81) for i in (1, 2)]
    kinds = [dict(id=1, name='sea lion'), dict(id=2, name='dog')]
    middle = dict(size=[48, 64], counts=[8 * 48, 48 * 48, 8 * 48])  # its columns 8 to 55
    for path in (*(root / 'photos').rglob('*.JPG'), root / 'photos' / 'x.png'):
        masks = root / 'sam' / path.relative_to(root / 'photos').with_suffix('.json')
        masks.parent.mkdir(parents=True, exist_ok=True)
        masks.write_text(json.dumps([dict(segmentation=middle)]))
    content = dict(images=images, annotations=marks, categories=kinds)
    (root / 'annotations.json').write_text(json.dumps(content))
    return root


def test_every_documented_command_runs(
    source: Path,  # noqa: F811
    folder: Path,
    tmp_path: Path,
) -> None:
    zipfile.ZipFile(build(source, 'bdist_wheel')).extractall(tmp_path / 'site')
    shutil.rmtree(source)
    commands = documented()
    assert set(CHANGED) <= set(commands) and len(commands) >= 18
    ordered = [*FIRST, *(line for line in commands if line not in FIRST)]
    left_out = [
        line
        for line in ordered
        for word, module in NEEDS.items()
        if f'--format {word}' in line and not has_module(module)
    ]
    run = [CHANGED.get(line, '{}').format(line) for line in ordered if line not in left_out]
    (folder / 'commands.json').write_text(json.dumps([shlex.split(line) for line in run]))
    environment = dict(os.environ, PYTHONPATH=str(tmp_path / 'site'))
    done = subprocess.run(
        [sys.executable, '-c', _RUNNER],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert str(tmp_path / 'site') in done.stdout.splitlines()[-1]
    for made in ('masks/masks/new_photo.png', 'predictions/overlays/new_photo.jpg', 'masks.json'):
        assert (folder / made).is_file(), made
    assert len(list((folder / 'photos' / 'saliency_map').rglob('*.png'))) == 6
    assert (folder / 'run' / 'self_evaluation_1').is_dir()
    merged = np.asarray(Image.open(folder / 'merged' / 'x.png'))
    assert (merged[:, 8:56] == 12).all() and (merged == 12).sum() == 48 * 48


def has_module(name: str) -> bool:
    """Whether a module can be imported in the interpreter that runs the commands."""
    code = f'import importlib.util as i, sys; sys.exit(not i.find_spec({name!r}))'
    return subprocess.run([sys.executable, '-c', code]).returncode == 0
