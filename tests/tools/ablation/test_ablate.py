"""The command line of the ablation."""

import json
import re
from pathlib import Path

import pytest

from tests.pipeline_runs import ROOT, SETTINGS, load_tool, tiny_options

SHORT = ('val_list=', 'classifier_epochs=1')


@pytest.fixture(scope='module')
def tool():
    return load_tool('analysis_tools/ablate')


def arguments(data: Path, work_dir: Path, *more: str) -> list[str]:
    options = ('--cfg-options', *tiny_options(data), *SHORT)
    return [str(SETTINGS), '--work-dir', str(work_dir), *more, *options]


def test_groups_of_layers_and_a_file(tool, tmp_path, tiny_voc, capsys) -> None:
    file = tmp_path / 'variants.yml'
    file.write_text('no-head: {head_drs: null, drs_layers: {extra.1: {delta: 0.6}}}\n')
    work_dir = tmp_path / 'work'
    more = ('--deltas', '0.5', '--layers', 'deep=[extra.*]', '--seeds', '3')
    tool.main(arguments(tiny_voc, work_dir, *more, '--variants', str(file)))
    printed = capsys.readouterr().out
    assert 'run 1 of 3: plain, seed 3\n' in printed
    assert 'run 3 of 3: no-head, seed 3 (about ' in printed
    content = json.loads((work_dir / 'ablation.json').read_text())
    assert [variant['name'] for variant in content['variants']] == ['deep-d0.5', 'no-head']
    found = [(variant['delta'], variant['layers']) for variant in content['variants']]
    assert found == [(0.5, 'deep'), (None, None)]
    results = {(result['variant'], result['seed']) for result in content['results']}
    assert results == {('plain', 3), ('deep-d0.5', 3), ('no-head', 3)}
    table = (work_dir / 'ablation.md').read_text()
    assert re.search(r'\| deep-d0\.5 +\| +1 \|', table) and '±' not in table.split('## Images')[1]
    assert (work_dir / 'miou_by_delta.png').is_file()
    link = work_dir / 'seed_3' / 'no-head' / 'plain_maps'
    assert link.is_symlink() and link.resolve() == work_dir / 'seed_3' / 'plain' / 'plain_maps'


@pytest.mark.parametrize(
    ('more', 'message'),
    [
        ((), 'error: no variants: give deltas'),
        (
            ('--deltas', '1.5'),
            r"error: variant 'd1\.5': stage drs_classifier: .*DRS: delta must be in",
        ),
        (('--deltas', '0.5', '0.5'), r"error: two variants are called 'd0\.5'"),
        (('--deltas', '0.5', '--seeds', '1', '1'), 'error: seeds must be given and differ'),
        (('--learnable', '--layers', 'x=nothing'), "error: variant 'x-learnable': .*no module"),
        (('--variants', 'missing.yml'), 'error: there is no file of variants in YAML missing.yml'),
    ],
)
def test_errors(more, message, tool, tmp_path, tiny_voc) -> None:
    with pytest.raises(SystemExit, match=message):
        tool.main(arguments(tiny_voc, tmp_path / 'work', *more))
    assert not (tmp_path / 'work').exists()


def test_work_dir_is_required(tool, capsys) -> None:
    with pytest.raises(SystemExit):
        tool.main([str(SETTINGS), '--deltas', '0.5'])
    assert '--work-dir is required' in capsys.readouterr().err


def test_shapes_settings_can_be_swept(tool) -> None:
    """Their head has no DRS, and gets none."""
    settings = tool.load_settings(ROOT / 'configs' / 'shapes' / 'settings_shapes.py')
    (variant,) = tool.sweep(settings, deltas=[0.3])
    assert variant.options == {'drs': {'_delete_': True, 'type': 'DRS', 'delta': 0.3}}
