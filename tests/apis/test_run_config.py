"""The text of a run's config: that of MMEngine, without formatting a statement again."""

from pathlib import Path

import pytest
from mmengine.config import Config

from mmdrs.apis import load_config
from mmdrs.apis.run_config import RunConfig

CONFIGS = (
    'mmdrs::custom/segmentation_custom.py',
    'mmdrs::mix/segformer_drs-d055_mit-b0_8xb2-160k_ade20k-512x512.py',
)


@pytest.mark.parametrize('name', CONFIGS)
def test_same_text(name: str, tmp_path: Path) -> None:
    cfg = load_config(name)
    cfg.odd = {'a.b': dict(kind='a', ratio=0.1), 'c': [(1, None), [True, "it's"]]}
    found = RunConfig.of(cfg)
    assert found.pretty_text == cfg.pretty_text
    assert (found.filename, found.text) == (cfg.filename, cfg.text)
    found.dump(tmp_path / 'config.py')
    assert (tmp_path / 'config.py').read_text() == cfg.pretty_text


def test_only_new_statements_are_formatted(monkeypatch: pytest.MonkeyPatch) -> None:
    formatted = []
    plain = Config.pretty_text.fget

    def counted(cfg: Config) -> str:
        if cfg._format_python_code:
            formatted.extend(cfg)
        return plain(cfg)

    monkeypatch.setattr(Config, 'pretty_text', property(counted))
    cfg = RunConfig.of(Config(dict(of_this_test=dict(b=1), other_of_this_test=[2])))
    text = cfg.pretty_text
    assert text == 'of_this_test = dict(b=1)\nother_of_this_test = [\n    2,\n]\n'
    assert formatted == ['of_this_test', 'other_of_this_test']
    assert cfg.pretty_text == text and len(formatted) == 2
    cfg.of_this_test.b = 3
    assert cfg.pretty_text == text.replace('b=1', 'b=3')
    assert formatted[2:] == ['of_this_test']
