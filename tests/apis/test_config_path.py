from pathlib import Path

import mmseg
import pytest

import mmdrs
from mmdrs.apis import config_path
from mmdrs.errors import MissingFileError

ROOT = Path(mmdrs.__file__).parents[1]


def test_own_config() -> None:
    found = config_path('mmdrs::custom/plain-classifier_custom.py')
    # Through no link: the same file has one path, however it was named.
    assert found == str((ROOT / 'configs' / 'custom' / 'plain-classifier_custom.py').resolve())


def test_stock_config() -> None:
    found = Path(config_path('mmseg::unet/unet-s5-d16_fcn_4xb4-40k_hrf-256x256.py'))
    assert found.is_file() and Path(mmseg.__file__).resolve().parent in found.parents


def test_checkout_without_mim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the package with `configs` beside it, as on PYTHONPATH, and with a broken link."""
    config = tmp_path / 'configs' / 'custom' / 'a.py'
    config.parent.mkdir(parents=True)
    config.touch()
    package = tmp_path / 'mmdrs'
    (package / '.mim').mkdir(parents=True)
    (package / '.mim' / 'configs').symlink_to('nowhere')
    monkeypatch.setattr(mmdrs.__spec__, 'origin', str(package / '__init__.py'))
    assert config_path('mmdrs::custom/a.py') == str(config.resolve())


@pytest.mark.parametrize('name', ['configs/a.py', '/absent.py', 'mmpose::a/b.py', 'mmdrs', 'a::b'])
def test_other_paths_are_left_alone(name: str) -> None:
    assert config_path(name) == name
    assert config_path(Path(name)) == name


@pytest.mark.parametrize(
    ('name', 'close'),
    [
        ('mmdrs::custom/plain-clasifier_custom.py', 'mmdrs::custom/plain-classifier_custom.py'),
        ('mmseg::unet/unet-s5-d16_fcn_4xb4-40k_hrf.py', 'mmseg::unet/unet-s5-d16_fcn_4xb4-40k_'),
    ],
)
def test_missing_config_names_close_ones(name: str, close: str) -> None:
    pattern = f"there is no config '{name}' in '.*; did you mean '{close}"
    with pytest.raises(MissingFileError, match=pattern):
        config_path(name)


def test_a_folder_is_no_config() -> None:
    with pytest.raises(MissingFileError, match="there is no config 'mmdrs::custom' in"):
        config_path('mmdrs::custom')
