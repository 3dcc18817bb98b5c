"""`mmdrs merge`: labels of any method, going on where it stopped, overwriting nothing."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.cli import merge
from mmdrs.pseudo_labels.fusion import BackgroundCue
from mmdrs.pseudo_labels.label_file import read_label, read_palette, write_label
from mmdrs.pseudo_labels.rle import encode
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.rules_file import read_rules, write_rules
from mmdrs.pseudo_labels.segments import SegmentMerging

LABEL = np.array([[1, 1, 0, 0], [1, 2, 255, 0]], np.uint8)
#: Class 1 takes it with 3 of its 5 pixels, and class 2 comes later.
MASK = np.array([[1, 1, 1, 0], [1, 0, 1, 0]], bool)
MERGED = [[1, 1, 1, 0], [1, 2, 1, 0]]
PALETTE = [[value, 7, 255 - value] for value in range(256)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two labels of another program, one in a folder and with a palette; their masks."""
    (tmp_path / 'labels' / 'b').mkdir(parents=True)
    Image.fromarray(LABEL).save(tmp_path / 'labels' / 'a.png')
    picture = Image.fromarray(LABEL)
    picture.putpalette(np.ravel(PALETTE).tolist())
    picture.save(tmp_path / 'labels' / 'b' / 'c.png')
    (tmp_path / 'sam' / 'a').mkdir(parents=True)
    Image.fromarray(MASK).save(tmp_path / 'sam' / 'a' / '0.png')
    (tmp_path / 'sam' / 'b').mkdir()
    content = dict(annotations=[dict(segmentation=encode(MASK))])
    (tmp_path / 'sam' / 'b' / 'c.json').write_text(json.dumps(content))
    return tmp_path


def run(root: Path, *more: str, out: str = 'merged') -> None:
    paths = [str(root / name) for name in ('labels', 'sam', out)]
    merge.main([paths[0], '--segments', paths[1], '--out', paths[2], *more])


def error(root: Path, *more: str, out: str = 'merged') -> str:
    with pytest.raises(SystemExit) as stop:
        run(root, *more, out=out)
    return str(stop.value)


def test_labels_of_any_program(root: Path, capsys: pytest.CaptureFixture) -> None:
    run(root)
    assert f'{root / "merged"}: 2 labels merged, 0 there already' in capsys.readouterr().out
    paths = [root / 'merged' / name for name in ('a.png', 'b/c.png')]
    assert [read_label(path).tolist() for path in paths] == [MERGED, MERGED]
    assert read_palette(paths[1]) == PALETTE
    assert read_palette(paths[0])[1] == [128, 0, 0]  # of VOC, where there was none
    assert read_rules(root / 'merged') is None


def test_goes_on_where_it_stopped(root: Path, capsys: pytest.CaptureFixture) -> None:
    """The output may lie in the folder of the labels; hidden folders hold no labels."""
    (root / 'labels' / '.evaluated').mkdir()
    shutil.copy(root / 'labels' / 'a.png', root / 'labels' / '.evaluated')
    run(root, out='labels/merged')
    first = root / 'labels' / 'merged' / 'a.png'
    second, before = first.parent / 'b' / 'c.png', first.stat().st_mtime_ns
    second.unlink()
    capsys.readouterr()
    run(root, out='labels/merged')
    assert '1 labels merged, 1 there already' in capsys.readouterr().out
    assert first.stat().st_mtime_ns == before and read_label(second).tolist() == MERGED
    Image.fromarray(~MASK).save(root / 'sam' / 'a' / '0.png')  # other masks
    Image.fromarray(np.minimum(LABEL, 2)).save(root / 'labels' / 'b' / 'c.png')  # another label
    run(root, out='labels/merged')
    assert '2 labels merged, 0 there already' in capsys.readouterr().out
    assert read_label(first).tolist() != MERGED


def test_list(root: Path, capsys: pytest.CaptureFixture) -> None:
    (root / 'list.txt').write_text('b/c\n')
    run(root, '--list', str(root / 'list.txt'))
    assert [path.name for path in (root / 'merged').rglob('*.png')] == ['c.png']
    (root / 'list.txt').write_text('a\nd\ne\n')
    message = error(root, '--list', str(root / 'list.txt'))
    assert f'2 of 3 images have no label in {root / "labels"}: there is no' in message
    assert 'd.png' in message


def test_nothing_is_overwritten(root: Path) -> None:
    before = (root / 'labels' / 'a.png').read_bytes()
    assert 'a.png is an input' in error(root, out='labels')
    assert (root / 'labels' / 'a.png').read_bytes() == before
    write_label(root / 'merged' / 'a.png', LABEL, PALETTE, dict(maps='of a run'))
    assert 'a.png is a label that was not made by merging' in error(root)
    Image.fromarray(LABEL).save(root / 'merged' / 'a.png')
    assert 'a.png is there, was not written by mmdrs' in error(root)
    assert not (root / 'merged' / 'b').exists()


def test_labels_of_a_run_keep_their_rules(root: Path) -> None:
    """So that the record of a network that learns from them says what they are."""
    rules = LabelRules(BackgroundCue(source='CSNet'), threshold=0.1)
    write_rules(root / 'labels', rules)
    run(root)
    assert read_rules(root / 'merged') == LabelRules(
        rules.background_cue, 0.1, merge=SegmentMerging()
    )
    shutil.rmtree(root / 'labels')
    (root / 'merged').rename(root / 'labels')
    assert 'are merged into the labels of' in error(root)


def test_wrong_input(root: Path, tmp_path: Path) -> None:
    (root / 'sam' / 'a' / '0.png').unlink()
    assert 'a holds no mask *.png' in error(root)
    Image.new('1', (2, 4)).save(root / 'sam' / 'a' / '0.png')
    assert '0.png is 2 x 4, but its image is 4 x 2' in error(root)
    shutil.rmtree(root / 'sam' / 'a')
    assert '1 of 2 images have no masks in' in error(root)
    shutil.rmtree(root / 'labels')
    assert f'there is no folder {root / "labels"}' in error(root)
    (root / 'labels').mkdir()
    assert 'labels holds no label <id>.png' in error(root)
