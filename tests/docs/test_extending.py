"""The examples of docs/extending.md, as they stand there, in a project of their own."""

import itertools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from PIL import Image
from torch.nn import functional as F

from mmdrs.apis import load_config
from mmdrs.cli import init, labels
from mmdrs.cli.options import parse_value
from mmdrs.evaluation.records.protocol import label_protocols
from mmdrs.evaluation.records.record import read_evaluation
from mmdrs.pipeline.label_rules import pseudo_label_rules
from mmdrs.pipeline.settings import load_settings
from mmdrs.pseudo_labels.label_file import read_label, read_label_record
from mmdrs.pseudo_labels.map_file import LocalizationMaps, write_maps
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.rules_file import read_rules
from mmdrs.registry import BACKGROUND_CUES, MAP_REFINEMENTS
from tests.docs.blocks import blocks_of
from tests.pipeline_runs import load_tool, tiny_options

REGISTRIES = (BACKGROUND_CUES, MAP_REFINEMENTS, MODELS)


@pytest.fixture(scope='module')
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder on the search path with a file for each block that begins with its name."""
    folder = tmp_path_factory.mktemp('project')
    for block in blocks_of('docs/extending.md'):
        if name := re.match(r'# (\w+\.py)\n', block.text):
            (folder / name[1]).write_text(block.text)
    before = [dict(registry.module_dict) for registry in REGISTRIES]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield folder
    for path in folder.glob('*.py'):
        sys.modules.pop(path.stem, None)
    for registry, known in zip(REGISTRIES, before, strict=True):
        for name in registry.module_dict.keys() - known:
            del registry.module_dict[name]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two copies of a photograph of 2 x 4 pixels, their maps, masks, and a list."""
    image = np.full((2, 4, 3), 20, np.uint8)  # the right half is dark
    image[:, :2] = 255
    image[1, 0, 2] = 249
    shoe = [[0.9, 0.0, 0.9, 0.0], [0.9, 0.0, 0.0, 0.0]]
    bag = [[0.0, 0.0, 0.5, 0.0], [0.0, 0.0, 0.5, 0.1]]
    for folder in ('photos', 'masks'):
        (tmp_path / folder).mkdir()
    for name in ('a', 'b'):
        Image.fromarray(image).save(tmp_path / 'photos' / f'{name}.png')
        Image.fromarray(np.eye(2, 4, dtype=np.uint8)).save(tmp_path / 'masks' / f'{name}.png')
        maps = LocalizationMaps.from_floats((0, 1), np.array([shoe, bag], np.float32), (2, 4))
        write_maps(tmp_path / 'maps' / f'{name}.npz', maps)
    (tmp_path / 'list.csv').write_text('id,labels\na,shoe;bag\nb,shoe;bag\n')
    return tmp_path


def shop_settings(project: Path, shop: Path, more: str = '') -> Path:
    """The settings of the page with the lines that name the data."""
    path = shop / 'own.py'
    path.write_text(
        f'_base_ = {str(project / "settings.py")!r}\ndata_root = {str(shop)!r}\n'
        "classes = ('background', 'shoe', 'bag')\ntrain_list = val_list = 'list.csv'\n"
        f"image_dir = 'photos'\nmask_dir = 'masks'\n{more}"
    )
    return path


def test_cue_makes_labels(project: Path, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By hand: white is background, dark pixels of a class are that class, others are ignored."""
    tool, config = load_tool('make_pseudo_labels'), 'mmdrs::custom/refinement_custom.py'

    def make(more: str = '') -> list[int]:
        settings = shop_settings(project, shop, more)
        # In a process of its own, which imports the module for itself.
        tool.main(
            [
                *(config, str(shop / 'maps'), str(shop / 'labels')),
                *('--settings', str(settings), '--workers', '1'),
            ]
        )
        return [path.stat().st_mtime_ns for path in sorted((shop / 'labels').rglob('*.png'))]

    times = make()
    for name in ('a', 'b'):
        path = shop / 'labels' / f'{name}.png'
        np.testing.assert_array_equal(read_label(path), [[0, 0, 1, 255], [1, 0, 2, 255]])
        evaluated = read_label(shop / 'labels' / '.evaluated' / f'{name}.png')
        np.testing.assert_array_equal(evaluated, [[0, 0, 1, 0], [1, 0, 2, 0]])
        cue = read_label_record(path)['rules']['background_cue']
        assert cue == dict(type='WhiteBackground', level=250)
    assert read_rules(shop / 'labels').background_cue.level == 250
    (record,) = re.findall(r'record: (\S+)', capsys.readouterr().out)
    for score in read_evaluation(record).scores:
        assert score.protocol.background == 'WhiteBackground, level 250'
    assert make() == times
    again = make('pseudo_labels = dict(background_cue=dict(level=249), threshold=0.2)\n')
    assert not set(again) & set(times)
    assert read_label(shop / 'labels' / 'a.png')[1, 0] == 0


def test_settings_reach_the_stored_configs(project: Path, shop: Path) -> None:
    """Of stages whose configs inherit from the settings, and of one that does not."""
    more = "stages = dict(drs_classifier='mmdrs::drs/cam_vgg16_2xb5-15e_voc12-320x320.py')\n"
    settings = load_settings(shop_settings(project, shop, more), dict(seed=1))
    settings.check_keys()
    for stage in ('plain_classifier', 'drs_classifier', 'segmentation'):
        cfg = settings.stage_config(stage, shop)
        cfg.dump(shop / 'stored.py')
        imports = Config.fromfile(shop / 'stored.py').custom_imports.imports
        assert imports == ['mmdrs', 'white_background'], stage


def test_refinement_is_the_guided_filter(project: Path) -> None:
    rules = pseudo_label_rules(load_settings(project / 'settings_refined.py'))
    assert rules.needs_image and rules.refine.radius == 4
    assert label_protocols(rules.to_config())['mIoU']['refinement'] == (
        'GuidedFilter, radius 4, epsilon 0.001'
    )
    assert LabelRules.from_config(rules.to_config()) == rules
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (11, 12, 3), np.uint8)
    maps = random.random((2, 11, 12), np.float32)
    grey = image @ np.array([0.299, 0.587, 0.114]) / 255
    expected = [guided(np.round(grey * 255) / 255, values, 4, 1e-3) for values in maps]
    np.testing.assert_allclose(rules.refine.refine(image, maps), expected, atol=2e-4)


def guided(grey: np.ndarray, values: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """The guided filter as its paper defines it: a ridge regression in every window."""

    def window(y: int, x: int) -> tuple[list[int], list[int]]:
        rows = [mirrored(y + d, grey.shape[0]) for d in range(-radius, radius + 1)]
        columns = [mirrored(x + d, grey.shape[1]) for d in range(-radius, radius + 1)]
        return tuple(zip(*itertools.product(rows, columns), strict=True))

    lines = np.zeros((2, *grey.shape))
    for y, x in np.ndindex(grey.shape):
        pixels = window(y, x)
        known = np.stack([grey[pixels], np.ones(len(pixels[0]))])
        penalty = np.diag([epsilon * len(pixels[0]), 0])
        lines[:, y, x] = np.linalg.solve(known @ known.T + penalty, known @ values[pixels])
    made = np.zeros(grey.shape)
    for y, x in np.ndindex(grey.shape):
        slope, offset = (line[window(y, x)].mean() for line in lines)
        made[y, x] = slope * grey[y, x] + offset
    return made


def mirrored(place: int, size: int) -> int:
    """A place outside of 0..size-1 is mirrored at the first or the last one."""
    return size - 1 - abs(size - 1 - abs(place))


@pytest.mark.usefixtures('mmseg_scope')
def test_head_learns(project: Path, tmp_path: Path, tiny_voc: Path) -> None:
    """One step: the loss is that of log-sum-exp pooling, and the weights follow its gradient."""
    given = (option.partition('=') for option in tiny_options(tiny_voc))
    options = {key: parse_value(value) for key, _, value in given}
    settings = load_settings(project / 'settings_head.py', options)
    settings.check_keys()
    torch.manual_seed(0)
    model = MODELS.build(settings.stage_config('drs_classifier', tmp_path).model)
    assert type(model).__name__ == 'ImageLabelEncoderDecoder'
    assert type(model.decode_head).__name__ == 'LSEHead'
    assert len(model.backbone.drs) > 0
    images = 4 * torch.randn(2, 3, 32, 32)
    torch.nn.init.normal_(model.decode_head.conv_seg.weight)  # mean and maximum differ
    image_labels = torch.tensor([[1.0, 0, 0], [0, 1, 1]])
    samples = [packed(row) for row in image_labels]
    maps = model.decode_head(model.extract_feat(images))
    scores = torch.log(torch.exp(4 * maps).mean(dim=(2, 3))) / 4
    assert (scores - maps.mean(dim=(2, 3))).min() > 0.01
    expected = F.multilabel_soft_margin_loss(scores, image_labels)
    expected.backward()
    weight = model.decode_head.conv_seg.weight
    moved = weight.detach() - 0.1 * weight.grad
    model.zero_grad()
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    parsed, _ = model.parse_losses(model.loss(images, samples))
    torch.testing.assert_close(parsed, expected)
    wrapper.update_params(parsed)
    torch.testing.assert_close(model.decode_head.conv_seg.weight.detach(), moved)
    constant = model.decode_head.image_scores(torch.full((1, 3, 2, 2), 0.7))
    assert constant.tolist() == [[pytest.approx(0.7)] * 3]


def packed(image_label: torch.Tensor) -> SegDataSample:
    """A data sample of a training."""
    sample = SegDataSample(metainfo=dict(img_path='x.jpg', ori_shape=(32, 32)))
    sample.set_data(dict(img_label=image_label))
    sample.gt_sem_seg = PixelData(data=torch.zeros(1, 32, 32, dtype=torch.long))
    return sample


@pytest.fixture
def tagged(files) -> Path:
    """Photographs with their tags in one file."""
    root = files({'tags.json': '{"beach/1.jpg": ["person", "dog"], "beach/2.jpg": []}'})
    (root / 'beach').mkdir()
    for number in (1, 2):
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(root / 'beach' / f'{number}.jpg')
    return root


def test_label_format_is_read(
    project: Path, tagged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / 'out' / 'train_cls.csv'
    labels.main([str(tagged), '--format', 'photo_tags', '--out', str(out)])
    assert out.read_text().split() == ['id,labels', 'beach/1.jpg,dog;person', 'beach/2.jpg,']
    assert capsys.readouterr().out.startswith('format: photo_tags (tags.json)\n')
    settings = tmp_path / 'out' / 'settings.py'
    init.main([str(tagged), '--format', 'photo_tags', '--out', str(settings)])
    assert load_config(settings).classes == ('background', 'dog', 'person')


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('photo_tag', "No module named 'photo_tag'. Known: auto, yolo, coco, .*PYTHONPATH"),
        ('cocoa', "No module named 'cocoa'. .*did you mean 'coco'"),
        ('json', r'--format json: this module has no function fits\(\). Known: auto, yolo'),
        ('.voc', '--format .voc: '),
    ],
)
def test_unknown_label_format(
    project: Path, tagged: Path, tmp_path: Path, name: str, message: str
) -> None:
    out = str(tmp_path / 'train_cls.csv')
    with pytest.raises(SystemExit, match=message):
        labels.main([str(tagged), '--format', name, '--out', out])
