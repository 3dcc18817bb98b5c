"""The command line of tools/dataset_converters/coco_image_labels.py."""

import copy
import json
from pathlib import Path

import pytest

from mmdrs.datasets import read_label_list
from tests.pipeline_runs import load_tool
from tests.tools.test_coco_labels import IMAGES, INSTANCES


def test_list_and_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main = load_tool('dataset_converters/coco_image_labels').main
    instances, out = tmp_path / 'instances_train2014.json', tmp_path / 'train_cls.txt'
    instances.write_text(json.dumps(INSTANCES))
    classes = tmp_path / 'classes.txt'
    main([str(instances), '--out', str(out), '--classes-out', str(classes)])
    assert out.read_text() == f'{IMAGES[0]} 1\n{IMAGES[1]} 0 2\n{IMAGES[2]}\n'
    names = classes.read_text().splitlines()
    assert names == ['background', 'person', 'traffic light', 'cat']
    assert [image.id for image in read_label_list(out, names[1:])] == IMAGES
    assert capsys.readouterr().out == (
        f'{out}: 3 images, 3 classes, 1.00 on average, 1 without any\n'
    )
    main([str(instances), '--out', str(out), '--min-area', '10', '--skip-crowd'])
    assert out.read_text() == f'{IMAGES[0]}\n{IMAGES[1]} 2\n{IMAGES[2]}\n'


def test_blanks_and_backslashes(tmp_path: Path) -> None:
    main = load_tool('dataset_converters/coco_image_labels').main
    content = copy.deepcopy(INSTANCES)
    content['images'][0]['file_name'] = r'my photos\a, b.jpg'
    instances, out = tmp_path / 'instances.json', tmp_path / 'train_cls.csv'
    instances.write_text(json.dumps(content))
    with pytest.raises(SystemExit, match=r'need a list that ends in \.csv'):
        main([str(instances), '--out', str(out.with_suffix('.txt'))])
    main([str(instances), '--out', str(out)])
    found = read_label_list(out, ['person', 'traffic light', 'cat'])
    assert [image.id for image in found] == ['my photos/a, b', *IMAGES[1:]]
    assert found[1].labels == (0, 2)


def test_errors_write_nothing(tmp_path: Path) -> None:
    main = load_tool('dataset_converters/coco_image_labels').main
    instances = tmp_path / 'captions.json'
    instances.write_text(json.dumps({'images': [], 'annotations': []}))
    with pytest.raises(SystemExit, match=r"^error: .*captions\.json: holds no list 'categories'"):
        main([str(instances), '--out', str(tmp_path / 'a.txt')])
    assert list(tmp_path.iterdir()) == [instances]
