"""Files of masks: both formats give the same, and what is wrong with one is named."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.errors import InputError, MissingFileError
from mmdrs.pseudo_labels.rle import encode, run_lengths
from mmdrs.pseudo_labels.segments import Segments
from mmdrs.pseudo_labels.segments_file import (
    read_segments,
    read_segments_size,
    segments_digest,
    segments_path,
)

MASKS = np.random.default_rng(0).random((4, 5, 7)) < 0.5
MASKS[2] = False


def save_pngs(folder: Path) -> Path:
    """Four masks in four modes, one of 1 instead of 255."""
    folder.mkdir()
    for number, mask in enumerate(MASKS):
        picture = Image.fromarray(np.where(mask, 255 if number else 1, 0).astype(np.uint8))
        picture = picture.convert(('L', '1', 'P', 'RGB')[number])
        picture.save(folder / f'{number}.{"PNG" if number else "png"}')
    (folder / 'metadata.csv').write_text('of the generator of masks')
    return folder


def save_json(path: Path, compressed: bool = True, wrapped: bool = False) -> Path:
    annotations = [dict(area=int(mask.sum()), segmentation=encode(mask)) for mask in MASKS]
    if not compressed:
        for mask, annotation in zip(MASKS, annotations, strict=True):
            annotation['segmentation']['counts'] = run_lengths(mask).tolist()
    path.write_text(json.dumps(dict(annotations=annotations) if wrapped else annotations))
    return path


def assert_same(found: Segments, expected: Segments) -> None:
    assert found.size == expected.size == (5, 7)
    for name in ('starts', 'ends', 'offsets'):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_all_formats_give_the_same(tmp_path: Path) -> None:
    expected = Segments.of_masks(MASKS)
    for number, mask in enumerate(MASKS):
        pixels = expected.union(np.arange(4) == number)
        np.testing.assert_array_equal(pixels.reshape(7, 5).T, mask)
    paths = [save_pngs(tmp_path / 'a')]
    for number in range(4):
        paths.append(save_json(tmp_path / f'{number}.json', bool(number % 2), number > 1))
    for path in paths:
        assert_same(read_segments(path), expected)
        assert_same(read_segments(str(path), (5, 7)), expected)
        assert read_segments_size(path) == (5, 7)


def test_file_comes_before_folder(tmp_path: Path) -> None:
    assert segments_path(tmp_path, 'b/a') == str(tmp_path / 'b' / 'a.json')
    (tmp_path / 'b' / 'a').mkdir(parents=True)
    assert segments_path(tmp_path, 'b/a') == str(tmp_path / 'b' / 'a')
    (tmp_path / 'b' / 'a.json').touch()
    assert segments_path(tmp_path, 'b/a') == str(tmp_path / 'b' / 'a.json')


def test_digest_follows_every_file(tmp_path: Path) -> None:
    folder, file = save_pngs(tmp_path / 'a'), save_json(tmp_path / 'b.json')
    before = segments_digest(folder), segments_digest(file)
    (folder / 'metadata.csv').write_text('something else')
    (folder / '.0.tmp.png').write_text('of a program that is writing')
    assert (segments_digest(folder), segments_digest(file)) == before
    Image.new('L', (7, 5), 9).save(folder / '1.PNG')
    changed = segments_digest(folder)
    (folder / '3.PNG').unlink()
    file.write_text(file.read_text() + ' ')
    os.utime(file, (0, 0))
    found = {*before, changed, segments_digest(folder), segments_digest(file)}
    assert len(found) == 5


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('[', 'is not a readable file of masks'),
        ('3', 'must hold a list of annotations'),
        ('{"masks": []}', 'must hold a list of annotations'),
        ('[]', 'holds no mask; give an image without any one mask of zeros'),
        ('{"annotations": []}', 'holds no mask'),
        ('[3]', 'annotation 0: must be a dict with `segmentation`, got 3'),
        ('[{"area": 3}]', 'annotation 0: `segmentation` must be COCO.s run-length encoding'),
        ('[{"segmentation": [[1, 2, 3, 4, 5, 6]]}]', 'annotation 0: .* not polygons'),
        (
            '[{"segmentation": {"size": [5, 7], "counts": [35]}},'
            ' {"segmentation": {"size": [5, 7], "counts": [34]}}]',
            'annotation 1: `counts` are not the runs',
        ),
        (
            '[{"segmentation": {"size": [7, 5], "counts": [35]}}]',
            r'annotation 0 is 5 x 7, but its image is 7 x 5 \(width x height\)',
        ),
    ],
)
def test_wrong_files(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / 'a.json'
    path.write_text(content)
    with pytest.raises(InputError, match=rf'a\.json.*{message}'):
        read_segments(path, (5, 7))


def test_masks_of_several_sizes(tmp_path: Path) -> None:
    sizes = ((5, 7), (4, 7))
    path = tmp_path / 'a.json'
    path.write_text(json.dumps([dict(segmentation=encode(np.ones(size))) for size in sizes]))
    message = r'a\.json: annotation 1 is 7 x 4, but the mask before it is 7 x 5'
    for read in (read_segments, read_segments_size):
        with pytest.raises(InputError, match=message):
            read(path)


def test_wrong_folders(tmp_path: Path) -> None:
    folder = tmp_path / 'a'
    with pytest.raises(MissingFileError, match=r'there is no file of masks .*a$'):
        read_segments(folder)
    with pytest.raises(MissingFileError, match=r'there is no file of masks .*a$'):
        segments_digest(folder)
    folder.mkdir()
    for read in (read_segments, segments_digest):
        with pytest.raises(InputError, match=r'a holds no mask \*\.png'):
            read(folder)
    Image.new('RGBA', (7, 5)).save(folder / 'm.png')
    with pytest.raises(InputError, match=r'm\.png has mode RGBA; masks are grey'):
        read_segments(folder)
    Image.new('L', (5, 7)).save(folder / 'm.png')
    with pytest.raises(InputError, match=r'm\.png is 5 x 7, but its image is 7 x 5'):
        read_segments(folder, (5, 7))
    Image.new('L', (700, 500)).save(folder / 'm.png')
    (folder / 'm.png').write_bytes((folder / 'm.png').read_bytes()[:60])
    with pytest.raises(InputError, match=r'm\.png is not a readable mask'):
        read_segments(folder)
