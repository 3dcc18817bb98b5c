"""Lists and masks of a few classes of VOC: tools/dataset_converters/voc_image_labels.py."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.datasets import ImageLabels
from mmdrs.errors import InputError
from mmdrs.pseudo_labels.palette import voc_palette
from tests.pipeline_runs import load_tool
from tests.tools.voc_archives import SIZES, contents, make_voc_root, png_bytes, xml_bytes

TOOL = 'dataset_converters/voc_image_labels'
SUBSET = load_tool('dataset_converters/voc_class_subset')
PETS = ('--subset', 'pets', '--only-classes', 'person', 'cat', 'dog')
CAT, DOG, PERSON, BICYCLE = 8, 12, 15, 2
#: Values of each mask besides background: only s3, a2 and v2 do not belong to the subset.
VALUES = {
    'a1': (CAT, PERSON, 255),
    'a2': (CAT, BICYCLE),
    's1': (PERSON,),
    's2': (DOG, 255),
    's3': (255,),
    'v1': (CAT, 255),
    'v2': (BICYCLE,),
}
MASKS = 'SegmentationClass_pets'


@pytest.fixture
def voc_root(tmp_path: Path) -> Path:
    root = make_voc_root(tmp_path)
    for name in VALUES:
        (root / 'SegmentationClassAug' / f'{name}.png').write_bytes(png_bytes(mask(name)))
    return root


def mask(name: str) -> np.ndarray:
    """Background, and one row of each value."""
    values = np.zeros(SIZES[name], np.uint8)
    for row, value in enumerate(VALUES[name]):
        values[row] = value
    return values


def run(*arguments: object) -> None:
    load_tool(TOOL).main([str(argument) for argument in arguments])


def read(root: Path, name: str) -> list[str]:
    return (root / 'ImageSets' / 'Segmentation' / name).read_text().splitlines()


def test_lists_masks_and_summary(voc_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(voc_root, '--source', 'masks', *PETS)
    # person 0, cat 1, dog 2: the order of the command line.
    assert read(voc_root, 'train_aug_pets_cls.txt') == ['a1 0 1', 's1 0', 's2 2']
    assert read(voc_root, 'train_pets_cls.txt') == ['a1 0 1']
    assert read(voc_root, 'val_pets_cls.txt') == ['v1 1']
    assert not (voc_root / 'ImageSets' / 'Segmentation' / 'train_aug_cls.txt').exists()
    assert {path.name for path in (voc_root / MASKS).iterdir()} == {
        f'{name}.png' for name in ('a1', 's1', 's2', 'v1')
    }
    lines = capsys.readouterr().out.splitlines()
    start = lines.index(f'{voc_root / MASKS}: 4 masks, 4 of them written now')
    listed = voc_root / 'ImageSets' / 'Segmentation' / 'train_aug_pets_cls.txt'
    assert lines[start + 1 : start + 4] == [
        f'{listed}: 3 images, 1.33 classes on average, 0 without any',
        '  3 of 5 images of train_aug hold only these classes',
        '  person 2, cat 1, dog 1',
    ]


def test_masks_are_renumbered_palette_pngs(voc_root: Path) -> None:
    run(voc_root, '--source', 'masks', *PETS)
    number = {0: 0, PERSON: 1, CAT: 2, DOG: 3, 255: 255}
    for name in ('a1', 's1', 's2', 'v1'):
        with Image.open(voc_root / MASKS / f'{name}.png') as picture:
            assert picture.mode == 'P'
            assert picture.getpalette()[:12] == [c for rgb in voc_palette(4) for c in rgb]
            expected = [[number[value] for value in row] for row in mask(name).tolist()]
            assert np.array(picture).tolist() == expected


def test_another_source_drops_images_too(
    tmp_path: Path, voc_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    objects = {'a1': [('cat', 0)], 's1': [('person', 0), ('chair', 0)], 's2': [('dog', 1)]}
    for name, items in objects.items():
        (voc_root / 'Annotations' / f'{name}.xml').write_bytes(xml_bytes(items))
    run(voc_root, '--source', 'xml', '--splits', 'train_aug', *PETS)
    assert read(voc_root, 'train_aug_pets_cls_xml.txt') == ['a1 1', 's2 2']
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [
        '  3 of 5 images of train_aug hold only these classes; dropped: 1 with another class in '
        'xml',
        '  person 0, cat 1, dog 1',
    ]
    # A list in VOC's own numbers: cat 7, dog 11, chair 8; ids that are not kept may lack.
    released = tmp_path / 'released.txt'
    released.write_text('a1 7 8\ns1 14\ns2 11\n')
    run(voc_root, '--source', released, '--splits', 'train_aug', *PETS)
    assert read(voc_root, 'train_aug_pets_cls_released.txt') == ['s1 0', 's2 2']
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == (
        '  differs from train_aug_pets_cls_xml.txt in 0 of 1 images; 2 are in one of them only'
    )


def test_a_second_run_writes_no_mask_again(
    voc_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(voc_root, '--source', 'masks', *PETS)
    before = contents(voc_root)
    folder = voc_root / MASKS
    times = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    (folder / 's1.png').write_bytes(before[f'{MASKS}/s1.png'][:40])  # as no stopped run leaves it
    (folder / 's2.png').unlink()
    (folder / '.v1.4711.tmp.png').write_bytes(b'half')
    capsys.readouterr()
    run(voc_root, '--source', 'masks', *PETS)
    assert contents(voc_root) == before
    again = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert {name for name in times if again[name] == times[name]} == {'a1.png', 'v1.png'}
    assert f'{folder}: 4 masks, 2 of them written now' in capsys.readouterr().out


def test_a_mask_that_has_changed_is_written_again(voc_root: Path) -> None:
    run(voc_root, '--source', 'masks', *PETS)
    path = voc_root / 'SegmentationClassAug' / 's1.png'
    path.write_bytes(png_bytes(np.full(SIZES['s1'], DOG, np.uint8)))
    run(voc_root, '--source', 'masks', *PETS)
    assert read(voc_root, 'train_aug_pets_cls.txt')[1] == 's1 2'
    assert set(np.unique(np.array(Image.open(voc_root / MASKS / 's1.png')))) == {3}


def test_masks_of_others_and_of_other_classes_are_kept(voc_root: Path) -> None:
    run(voc_root, '--source', 'masks', '--splits', 'train', *PETS)
    before = contents(voc_root)
    with pytest.raises(SystemExit, match=r'a1\.png was made of person cat dog, not of cat person'):
        run(voc_root, '--source', 'masks', '--splits', 'train', *PETS[:3], 'cat', 'person')
    own = voc_root / MASKS / 'own.png'
    own.write_bytes(png_bytes(mask('s1')))
    with pytest.raises(SystemExit, match=r'own\.png is there and was not made by this tool'):
        run(voc_root, '--source', 'masks', *PETS)
    own.unlink()
    assert contents(voc_root) == before


def test_out_dir(tmp_path: Path, voc_root: Path) -> None:
    before = contents(voc_root)
    out = tmp_path / 'out'
    run(voc_root, '--source', 'masks', '--splits', 'val', *PETS, '--out-dir', out)
    assert set(contents(out)) == {'val_pets_cls.txt', f'{MASKS}/v1.png'}
    assert contents(voc_root) == before


def test_sample_of_a_list(voc_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(voc_root, '--source', 'masks', '--splits', 'train_aug', *PETS, '--sample', 2, '--with',
        'train')  # fmt: skip
    # a1 is of train; of s1 and s2 one: floor(1 * 1 / 2) = 0, floor(2 * 1 / 2) = 1, so s2.
    assert read(voc_root, 'train_aug_pets_2_cls.txt') == ['a1 0 1', 's2 2']
    assert {path.name for path in (voc_root / MASKS).iterdir()} == {'a1.png', 's2.png'}
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [
        '  3 of 5 images of train_aug hold only these classes; sampled: 2, of them 1 of train',
        '  person 1, cat 1, dog 1',
    ]
    with pytest.raises(SystemExit, match=r'--sample 4, train_aug_pets_4: there are only 3 images'):
        run(voc_root, '--source', 'masks', '--splits', 'train_aug', *PETS, '--sample', 4)
    # Also of all classes, in VOC's numbers.
    run(voc_root, '--source', 'masks', '--splits', 'train_aug', '--sample', 2)
    assert read(voc_root, 'train_aug_2_cls.txt') == ['s1 14', 's3']


def test_rule_of_the_sample() -> None:
    # Of 7 others 3: floor(3 i / 7) is 0 0 1 1 2 2 3, so the third, the fifth and the seventh.
    assert SUBSET.evenly_spaced('abcdefg', 3) == ['c', 'e', 'g']
    assert SUBSET.evenly_spaced('abc', 5) == ['a', 'b', 'c']
    assert SUBSET.evenly_spaced('abc', 0) == SUBSET.evenly_spaced('', 2) == []
    images = [ImageLabels(name, ()) for name in 'abcdefghi']

    def sampled(count: int, preferred: str) -> str:
        return ''.join(image.id for image in SUBSET.sample_images(images, count, preferred))

    # Others: abdefgi (7), of which the third, fifth and seventh are d, f, i; in the list's order.
    assert sampled(5, 'hc') == 'cdfhi'
    assert sampled(9, 'hc') == 'abcdefghi'
    # More preferred ones than wanted are thinned out by the same rule, and no other is taken.
    assert sampled(2, 'bcfg') == 'cg'
    with pytest.raises(InputError, match='only 9 images, so not a sample of 10'):
        sampled(10, '')


def test_no_image_is_left(voc_root: Path) -> None:
    before = contents(voc_root)
    with pytest.raises(SystemExit, match=r'val_boats: no image is left \(0 of 2 images of val'):
        run(voc_root, '--source', 'masks', '--subset', 'boats', '--only-classes', 'boat',
            '--splits', 'val')  # fmt: skip
    assert contents(voc_root) == before


@pytest.mark.parametrize(
    ('classes', 'message'),
    [
        (['cat', 'hrose'], r"no class 'hrose', only the 20 of its masks; did you mean 'horse'"),
        (['background'], r"no class 'background'"),
        (['cat', 'dog', 'cat'], r"the class 'cat' is named twice"),
    ],
)
def test_wrong_classes(tmp_path: Path, classes: list[str], message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        run(tmp_path, '--source', 'masks', '--subset', 'pets', '--only-classes', *classes)


def test_a_mask_with_another_class_is_not_renumbered() -> None:
    subset = SUBSET.ClassSubset('pets', ('cat',))
    with pytest.raises(InputError, match=r"x\.png: holds the class 'bicycle' as well"):
        subset.renumbered_mask(np.array([[0, CAT, BICYCLE, 255]], np.uint8), 'x.png')


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--subset', 'pets'], 'go together'),
        (['--only-classes', 'cat'], 'go together'),
        (['--subset', 'a/b', '--only-classes', 'cat'], 'part of file names'),
        (['--subset', 'a_cls', '--only-classes', 'cat'], 'part of file names'),
        (['--subset', 'aug', '--only-classes', 'cat'], 'list of train_aug would be overwritten'),
        (['--with', 'train'], '--with is for --sample'),
        (['--sample', '0'], 'at least 1'),
    ],
)
def test_options_that_do_not_fit(
    tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(tmp_path, '--source', 'masks', *arguments)
    assert message in capsys.readouterr().err.splitlines()[-1]
