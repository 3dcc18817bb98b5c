"""CRFIoUMetric beside IoUMetric on a hand-made prediction."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import PixelData
from mmseg.registry import METRICS
from mmseg.structures import SegDataSample
from PIL import Image

CLASSES = ('background', 'cat')
HEIGHT, WIDTH = 10, 12


@pytest.fixture
def _library() -> None:
    pytest.importorskip('pydensecrf')


@pytest.fixture
def truth() -> torch.Tensor:
    truth = torch.zeros((1, HEIGHT, WIDTH), dtype=torch.long)
    truth[..., 5:] = 1
    return truth


@pytest.fixture
def sample(tmp_path: Path, truth) -> SegDataSample:
    """What a segmentor returns: the object's colours are clear, two pixels are predicted wrong."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[:, 5:] = (255, 120, 0)
    Image.fromarray(image).save(tmp_path / 'image.png')
    scores = torch.cat([1.0 - truth, truth.float()])
    scores[:, 2, 8] = scores[:, 2, 8].flip(0)
    scores[:, 7, 1] = scores[:, 7, 1].flip(0)
    sample = SegDataSample(metainfo=dict(img_path=str(tmp_path / 'image.png')))
    sample.gt_sem_seg = PixelData(data=truth)
    sample.seg_logits = PixelData(data=scores)
    sample.pred_sem_seg = PixelData(data=scores.argmax(dim=0, keepdim=True))
    return sample


def build(**options):
    metric = METRICS.build(dict(type='CRFIoUMetric', **options))
    metric.dataset_meta = dict(classes=CLASSES)
    return metric


def evaluate(sample: SegDataSample, *metrics: dict) -> dict[str, float]:
    evaluator = Evaluator([METRICS.build(metric) for metric in metrics])
    evaluator.dataset_meta = dict(classes=CLASSES)
    evaluator.process([sample])
    return evaluator.evaluate(1)


@pytest.mark.usefixtures('_library')
@pytest.mark.parametrize('last', [False, True], ids=['CRF first', 'CRF last'])
def test_both_figures_of_one_run(sample, truth, last) -> None:
    plain = dict(type='IoUMetric', iou_metrics=['mIoU'])
    refined = dict(type='CRFIoUMetric', iou_metrics=['mIoU'])
    scores = evaluate(sample, *([plain, refined] if last else [refined, plain]))
    wrong, left, right = 1, 5 * HEIGHT, 7 * HEIGHT  # one pixel of each class is the other's
    iou = [(n - wrong) / (n + wrong) for n in (left, right)]
    assert scores['mIoU'] == pytest.approx(100 * sum(iou) / 2, abs=0.006)
    assert scores['crf/mIoU'] == scores['crf/aAcc'] == 100
    assert scores == {**evaluate(sample, plain), **evaluate(sample, refined)}


@pytest.mark.usefixtures('_library')
def test_samples_are_not_changed(sample) -> None:
    given = sample.to_dict()
    before = {k: dict(v) if isinstance(v, dict) else v for k, v in given.items()}
    label = given['pred_sem_seg']['data'].clone()
    metric = build()
    metric.process(None, [given])
    assert given.keys() == before.keys()
    for key, value in before.items():
        if isinstance(value, dict):
            assert all(given[key][name] is part for name, part in value.items())
    assert torch.equal(given['pred_sem_seg']['data'], label)


@pytest.mark.usefixtures('_library')
def test_writes_what_it_scores(sample, truth, tmp_path) -> None:
    metric = build(output_dir=str(tmp_path / 'out'), format_only=True, prefix='other')
    given = sample.to_dict()
    del given['gt_sem_seg']
    metric.process(None, [given])
    assert metric.evaluate(1) == {}
    with Image.open(tmp_path / 'out' / 'image.png') as picture:
        np.testing.assert_array_equal(np.asarray(picture), truth[0].numpy())


@pytest.mark.usefixtures('_library')
def test_constants(sample) -> None:
    """A kernel of no reach repairs nothing; the arguments of the parent reach it."""
    crf = dict(gaussian_weight=0, bilateral_sxy=0.1)
    refined = dict(type='CRFIoUMetric', crf=crf, iou_metrics=['mDice'], prefix='weak')
    scores = evaluate(sample, dict(type='IoUMetric', iou_metrics=['mDice']), refined)
    assert scores['weak/mDice'] == scores['mDice'] < 100
    assert build(crf=dict(iterations=3)).crf.iterations == 3


@pytest.mark.usefixtures('_library')
def test_the_crf_gets_the_softmax_and_the_image(sample) -> None:
    given = []

    class Recorder:
        def refine(self, *inputs: np.ndarray) -> np.ndarray:
            given.extend(inputs)
            return inputs[1]

    metric = build()
    metric.crf = Recorder()
    metric.process(None, [sample.to_dict()])
    image, probabilities = given
    assert (image[:, :5] == 0).all() and (image[:, 5:] == (255, 120, 0)).all()
    scores = np.exp(sample.seg_logits.data.numpy())
    np.testing.assert_allclose(probabilities, scores / scores.sum(axis=0), rtol=1e-5)


@pytest.mark.usefixtures('_library')
def test_image_of_another_size(sample, tmp_path) -> None:
    Image.new('RGB', (WIDTH, HEIGHT + 1)).save(tmp_path / 'image.png')
    with pytest.raises(ValueError, match=r'image\.png is 12 x 11.*for it is 12 x 10'):
        build().process(None, [sample.to_dict()])


@pytest.mark.usefixtures('_library')
def test_scores_that_are_not_of_the_prediction(sample) -> None:
    """As under SegTTAModel, whose prediction is of all views and whose scores are of the last."""
    sample.pred_sem_seg = PixelData(data=1 - sample.pred_sem_seg.data)
    with pytest.raises(ValueError, match=r'seg_logits of .*image\.png.*ProbabilityTTA'):
        build().process(None, [sample.to_dict()])


@pytest.mark.usefixtures('_library')
def test_one_output_channel(sample) -> None:
    sample.seg_logits = PixelData(data=torch.zeros((1, HEIGHT, WIDTH)))
    with pytest.raises(ValueError, match='scores of two or more classes.*out_channels=1'):
        build().process(None, [sample.to_dict()])


def test_without_pydensecrf_it_cannot_be_built(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, 'pydensecrf', None)
    with pytest.raises(ValueError, match=r"pip install 'mmdrs\[crf\]'"):
        build()


@pytest.mark.usefixtures('_library')
def test_another_view_is_refused() -> None:
    # Its score would be the one without a CRF: a view has no seg_logits of its own.
    with pytest.raises(ValueError, match='CRFIoUMetric: a CRF refines no view; leave out view=2'):
        build(view=2)
