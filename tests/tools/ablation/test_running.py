"""Running an ablation: shared stages, resuming, what a changed option makes again."""

import json
import shutil
from pathlib import Path

import pytest

from ablation import Variant
from mmdrs.pipeline import load_settings, run_pipeline
from mmdrs.pipeline.runs.maps import MapRun
from tests.pipeline_runs import SETTINGS
from tests.tools.ablation.runs import SEEDS, ablate, made, options_of, variants_of


def test_plain_stages_are_made_once_for_a_seed(done: Path, tiny_voc: Path, tmp_path) -> None:
    files = made(done)
    for stage in ('pretraining', 'plain_classifier'):
        expected = {f'seed_{seed}/plain/{stage}/epoch_1.pth' for seed in SEEDS}
        assert {name for name in files if f'/{stage}/' in name} == expected
    trained = {name for name in files if '/drs_classifier/' in name}
    assert len(trained) == 4
    for name in trained:  # a variant's training began when the shared ones had ended
        shared = name.split('/')[0] + '/plain/pretraining/epoch_1.pth'
        assert files[shared] < files[name]
    assert len([name for name in files if '/plain_maps/' in name]) == 2 * 6
    assert len([name for name in files if '/drs_maps/' in name]) == 4 * 6


def test_pipeline_takes_a_variant_for_its_own(copied: Path, tiny_voc: Path, capsys) -> None:
    """The fingerprints are those of the pipeline: it finds all stages finished."""
    folder = copied / 'seed_1' / 'd0.4'
    before = made(copied)
    changes = variants_of(tiny_voc)[0].options
    settings = load_settings(SETTINGS, {**options_of(tiny_voc), **changes, 'seed': 1})
    run_pipeline(settings, folder, last='drs_maps')
    assert capsys.readouterr().out.count('finished and unchanged: skipped') == 5
    assert made(copied) == before


def test_second_call_does_nothing(copied: Path, tiny_voc: Path, capsys) -> None:
    before, table = made(copied), (copied / 'ablation.md').read_text()
    ablate(tiny_voc, copied)
    assert made(copied) == before
    assert (copied / 'ablation.md').read_text() == table
    printed = capsys.readouterr().out
    assert printed.count('finished and unchanged, skipped') == 6
    assert 'run 6 of 6: d0.8, seed 1' in printed


def scores(content: dict) -> list[tuple]:
    """All scores of ``ablation.json``, in order."""
    return [
        (result['variant'], result['seed'], record['task'], score['metric'], score['value'])
        for result in content['results']
        for record in result['records']
        for score in record['scores']
    ]


def test_goes_on_after_a_kill(copied: Path, tiny_voc: Path, capsys, monkeypatch) -> None:
    """Killed between training and maps of the last of two runs that were to be made."""
    expected = json.loads((copied / 'ablation.json').read_text())
    for seed in SEEDS:
        shutil.rmtree(copied / f'seed_{seed}' / 'd0.4')
    lost = copied / 'seed_1' / 'd0.4'
    before = made(copied)
    run_stage = MapRun.run

    def killed(self: MapRun, resume: bool) -> None:
        if (self.stage.name, self.settings['seed']) == ('drs_maps', 1):
            raise KeyboardInterrupt
        run_stage(self, resume)

    with monkeypatch.context() as patched:
        patched.setattr(MapRun, 'run', killed)
        with pytest.raises(KeyboardInterrupt):
            ablate(tiny_voc, copied)
    # What comes after the run that was killed is in the table as well.
    assert '**5 of 6 runs are finished.**' in (copied / 'ablation.md').read_text()
    trained = (lost / 'drs_classifier' / 'epoch_1.pth').stat().st_mtime_ns
    capsys.readouterr()
    ablate(tiny_voc, copied)
    printed = capsys.readouterr().out
    assert printed.count('finished and unchanged, skipped') == 5
    assert 'left for all runs)' in printed
    assert 'goes on where it was stopped' in printed
    assert (lost / 'drs_classifier' / 'epoch_1.pth').stat().st_mtime_ns == trained
    after = made(copied)
    assert {name: after[name] for name in before} == before
    assert scores(json.loads((copied / 'ablation.json').read_text())) == scores(expected)


def test_changed_option_reruns_only_its_variant(copied: Path, tiny_voc: Path) -> None:
    first, second = variants_of(tiny_voc)
    rate = {'drs_classifier.optim_wrapper.optimizer.lr': 0.02}
    changed = Variant(second.name, {**second.options, **rate}, second.delta, second.layers)
    before = made(copied)
    prints = {
        folder: json.loads((folder / 'done.json').read_text())['fingerprint'][:8]
        for folder in copied.glob('seed_*/d0.8/drs_*')
    }
    assert len(prints) == 4
    ablate(tiny_voc, copied, [first, changed])
    after = made(copied)
    for name, time in before.items():
        seed, variant, stage, rest = name.split('/', 3)
        if variant == 'd0.8':
            aside = f'{stage}.{prints[copied / seed / variant / stage]}'
            assert after[f'{seed}/{variant}/{aside}/{rest}'] == time  # nothing is lost
            assert after[name] != time
        else:
            assert after[name] == time
    # The first command again: what it had made is taken up.
    ablate(tiny_voc, copied)
    again = made(copied)
    assert {name: again[name] for name in before} == before
    assert len(again) == len(after)
