"""Which weights a training stage starts from."""

from pathlib import Path

import pytest

from mmdrs.errors import InputError
from mmdrs.pipeline import load_settings
from mmdrs.pipeline.runs import fingerprints, stage_runs
from mmdrs.pipeline.stages import pipeline_stages

CONFIGS = ['plain_classifier', 'drs_classifier', 'refinement', 'segmentation']
STOCK = 'mmseg::segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py'


@pytest.mark.parametrize('configs', [CONFIGS, ['pretraining', *CONFIGS]])
def test_backbone_of_the_segmentation_networks(configs: list[str]) -> None:
    pretrained = 'pretraining' if 'pretraining' in configs else None
    for start, weights in (('pretrained', pretrained), ('plain_classifier', 'plain_classifier')):
        stages = {
            stage.name: stage
            for stage in pipeline_stages(configs, segmentation_from=start, self_training_rounds=1)
        }
        assert stages['segmentation'].weights == stages['self_training_1'].weights == weights
        assert stages['segmentation'].backbone_only
        assert stages['refinement'].weights == pretrained
        assert stages['evaluation'].weights == 'segmentation'
    with pytest.raises(InputError, match=r"segmentation_from.*'pretrained'.*got 'plain'"):
        pipeline_stages(configs, segmentation_from='plain')


def test_it_takes_the_backbone_of_the_classifier(finished: Path, monkeypatch) -> None:
    seen = []
    monkeypatch.setattr(
        'mmdrs.pipeline.runs.training.train_model',
        lambda cfg, resume: seen.append((cfg.model.backbone.get('init_cfg'), cfg.load_from)),
    )
    prints = []
    for start in ('pretrained', 'plain_classifier'):
        settings = load_settings(finished / 'settings.py', {'segmentation_from': start})
        runs = stage_runs(settings, finished)
        runs['segmentation'].run(resume=False)
        prints.append(fingerprints(runs)['segmentation'].files)
    (own, _), (taken, loaded) = seen
    checkpoint = str(finished / 'plain_classifier' / 'epoch_2.pth')
    assert taken == dict(type='Pretrained', checkpoint=checkpoint, prefix='backbone.')
    assert own != taken and loaded is None
    assert prints[0] != prints[1]


def test_another_backbone_is_refused_before_anything_runs(tmp_path: Path) -> None:
    """A stock network cannot start from the classifier's backbone, only from its own weights."""
    message = (
        r'stage segmentation: its backbone is a MixVisionTransformer.*MobileNetV2.*pretrained'
    )
    for start in ('pretrained', 'plain_classifier'):
        options = {'segmentation_from': start, 'stages.segmentation': STOCK}
        settings = load_settings('mmdrs::custom/settings_custom.py', options)
        run = stage_runs(settings, tmp_path)['segmentation']
        if start == 'pretrained':
            run._check_backbone()
        else:
            with pytest.raises(InputError, match=message):
                run.check()
