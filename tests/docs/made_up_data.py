"""The files that the commands of the documents name, made up."""

import json
from pathlib import Path

import cv2
import numpy as np
from PIL import Image


def picture(path: Path, kind: int, seed: int) -> None:
    """A photograph of sorts: noise, and a disc or a bar in the middle."""
    pixels = np.random.default_rng(seed).integers(90, 160, (48, 64, 3), np.uint8)
    if kind:
        cv2.circle(pixels, (32, 24), 12, (200, 40, 40), -1)
    else:
        cv2.rectangle(pixels, (10, 18), (54, 30), (40, 40, 220), -1)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def fill(root: Path) -> None:
    """Write what the commands name: photographs, and the files of other methods."""
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
    for number in (1, 2):
        picture(root / 'project' / 'tagged' / 'beach' / f'{number}.jpg', 0, number)
    tags = {'beach/1.jpg': ['dog'], 'beach/2.jpg': []}
    (root / 'project' / 'tagged' / 'tags.json').write_text(json.dumps(tags))
