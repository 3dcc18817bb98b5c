"""The bridges of mmdrs.compat, on whichever dependency set is installed."""

import copyreg
import importlib
import importlib.util
import os
import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mmengine.runner.checkpoint as mmengine_checkpoint
import mmseg
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.runner import CheckpointLoader, load_checkpoint, save_checkpoint
from mmengine.utils import digit_version
from mmseg.registry import MODELS
from torch.nn import functional as F

from mmdrs import compat
from mmdrs.errors import MissingFileError

ROOT = Path(__file__).parents[1]
HAS_OPS = importlib.util.find_spec('mmcv._ext') is not None
OLD_MMSEG = digit_version(mmseg.__version__) <= digit_version('1.2.2')


def write_config(folder: Path, base: str) -> str:
    path = folder / 'config.py'
    path.write_text(f'_base_ = [{base!r}]\n')
    return str(path)


def save_training(path: Path) -> tuple[torch.nn.Module, MessageHub]:
    """Save what MMEngine's runner saves: weights, optimizer, meta and the message hub."""
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    hub = MessageHub.get_instance(f'test_compat_{path.stem}')
    for value in (3.0, 1.0, 2.0):
        hub.update_scalar('train/loss', value)
    hub.update_info('best_score', np.float64(71.25))
    hub.update_info('empty', np.zeros(0, np.int64))
    hub.update_info('palette', np.arange(6, dtype=np.uint8).reshape(2, 3))
    meta = {'iter': 3, 'time': 'now', 'dataset_meta': {'classes': ('a', 'b')}, 'seed': 1}
    checkpoint = {
        'meta': meta,
        'state_dict': model.state_dict(),
        'optimizer': optimizer.state_dict(),
        'message_hub': hub.state_dict(),
        'param_schedulers': [{'base_values': [0.1], 'last_step': 3}],
    }
    save_checkpoint(checkpoint, str(path))
    return model, hub


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function: Callable, *args: Any) -> None:
        self.function, self.args = function, args

    def __reduce__(self) -> tuple:
        return self.function, self.args


# --- mmcv.ops


@pytest.mark.skipif(HAS_OPS or not OLD_MMSEG, reason='this set needs no stand-in for mmcv.ops')
class TestMissingOps:
    def test_models_are_importable(self) -> None:
        models = importlib.import_module('mmseg.models')
        assert models.FocalLoss.__name__ == 'FocalLoss'

    @pytest.mark.parametrize('name', ['point_sample', 'sigmoid_focal_loss'])
    def test_using_an_operator_names_it(self, name: str) -> None:
        operator = getattr(importlib.import_module('mmcv.ops'), name)
        with pytest.raises(RuntimeError, match=rf'mmcv\.ops\.{name} .*install mmcv 2\.1\.0'):
            operator(torch.zeros(1), torch.zeros(1), align_corners=False)

    def test_other_operators_stay_missing(self) -> None:
        with pytest.raises(ModuleNotFoundError, match='SyncBatchNorm'):
            exec('from mmcv.ops import SyncBatchNorm')
        with pytest.raises(ModuleNotFoundError, match='multi_scale_deform_attn'):
            importlib.import_module('mmcv.ops.multi_scale_deform_attn')
        heads = 'mmseg.models.decode_heads'
        assert importlib.import_module(f'{heads}.cc_head').CrissCrossAttention is None
        assert importlib.import_module(f'{heads}.psa_head').PSAMask is None


@pytest.mark.skipif(OLD_MMSEG and not HAS_OPS, reason='this set needs the stand-in')
def test_no_stand_in_where_none_is_needed() -> None:
    module = sys.modules.get('mmcv.ops')
    assert module is None or module.__spec__.origin is not None


# --- checkpoints


def test_training_checkpoint_loads(tmp_path: Path) -> None:
    path = tmp_path / 'iter_3.pth'
    saved, hub = save_training(path)
    model = torch.nn.Linear(3, 2)
    checkpoint = load_checkpoint(model, str(path), map_location='cpu')
    assert torch.equal(model.weight, saved.weight)
    assert checkpoint['optimizer']['param_groups'][0]['lr'] == 0.1
    state = checkpoint['message_hub']
    loss = state['log_scalars']['train/loss']
    assert loss.data[0].tolist() == [3.0, 1.0, 2.0]
    figures = {name: loss.statistics(name) for name in ('min', 'max', 'mean', 'current')}
    assert figures == {'min': 1.0, 'max': 3.0, 'mean': 2.0, 'current': 2.0}
    assert state['runtime_info']['best_score'] == 71.25
    assert state['runtime_info']['empty'].shape == (0,)
    assert state['runtime_info']['palette'].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_checkpoint_of_older_numpy_loads(tmp_path: Path) -> None:
    """numpy 1 called its module numpy.core, numpy 2 calls it numpy._core."""
    new, old = tmp_path / 'new.pth', tmp_path / 'old.pth'
    save_training(new)
    with zipfile.ZipFile(new) as source, zipfile.ZipFile(old, 'w') as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith('data.pkl'):
                assert b'numpy._core.multiarray' in content
                content = content.replace(b'numpy._core.multiarray', b'numpy.core.multiarray')
            target.writestr(name, content)
    checkpoint = CheckpointLoader.load_checkpoint(str(old), map_location='cpu')
    assert checkpoint['message_hub']['runtime_info']['best_score'] == 71.25


@pytest.mark.parametrize(
    ('content', 'offender'),
    [
        (lambda marker: Call(os.mkdir, marker), r'posix\.mkdir'),
        (lambda marker: Call(eval, f'__import__("os").mkdir({marker!r})'), 'eval'),
        (lambda marker: Call(getattr, os, 'mkdir'), r'(os|posix)'),
        (lambda marker: Call(getattr, HistoryBuffer, '__init__'), r'builtins\.getattr'),
        (lambda marker: Call(getattr, HistoryBuffer, 'update'), r'builtins\.getattr'),
        (lambda marker: Call(getattr, torch.Tensor, 'min'), r'builtins\.getattr'),
        (lambda marker: Call(getattr, HistoryBuffer, 'min', None), r'builtins\.getattr'),
    ],
    ids=['module', 'builtin', 'getattr-of-module', 'init', 'update', 'tensor', 'default'],
)
@pytest.mark.parametrize('legacy', [False, True], ids=['zip', 'legacy'])
def test_unsafe_checkpoint_is_refused(
    tmp_path: Path, content: Callable[[str], Any], offender: str, legacy: bool
) -> None:
    marker, path = tmp_path / 'executed', tmp_path / 'evil.pth'
    # Modules do not pickle by themselves; an attacker writes the global by hand.
    copyreg.pickle(type(os), lambda module: (importlib.import_module, (module.__name__,)))
    try:
        torch.save(
            {'state_dict': {}, 'x': content(str(marker))},
            path,
            _use_new_zipfile_serialization=not legacy,
        )
    finally:
        del copyreg.dispatch_table[type(os)]
    pattern = rf"evil\.pth' is refused: .*({offender}|importlib\.import_module)"
    with pytest.raises(pickle.UnpicklingError, match=pattern):
        CheckpointLoader.load_checkpoint(str(path))
    with pytest.raises(pickle.UnpicklingError, match=pattern):
        load_checkpoint(torch.nn.Linear(3, 2), str(path))
    assert not marker.exists()


def test_calling_what_was_served_is_refused(tmp_path: Path) -> None:
    """The statistics may be named, not called."""
    path = tmp_path / 'evil.pth'

    torch.save({'state_dict': {}, 'x': Call(HistoryBuffer.min, HistoryBuffer([1.0], [1]))}, path)
    with pytest.raises(pickle.UnpicklingError, match=r"evil\.pth' is refused: .*HistoryBuffer"):
        CheckpointLoader.load_checkpoint(str(path))


def test_downloaded_checkpoint_is_loaded_safely(tmp_path: Path) -> None:
    marker, path = tmp_path / 'executed', tmp_path / 'evil.pth'
    torch.save({'x': Call(os.mkdir, str(marker))}, path)
    with pytest.raises(pickle.UnpicklingError, match='posix'):
        mmengine_checkpoint.load_url(path.as_uri(), model_dir=str(tmp_path / 'cache'))
    assert not marker.exists()


def test_real_getattr_is_not_allowed() -> None:
    allowed = [item[0] if isinstance(item, tuple) else item for item in safe_globals()]
    assert getattr not in allowed and eval not in allowed


def safe_globals() -> list[Any]:
    return torch.serialization.get_safe_globals()


# --- packaged configs


def test_stock_config_resolves(tmp_path: Path) -> None:
    name = 'deeplabv3plus/deeplabv3plus_r101-d8_4xb4-20k_voc12aug-512x512.py'
    cfg = Config.fromfile(write_config(tmp_path, f'mmseg::{name}'))
    assert cfg.model.decode_head.type == 'DepthwiseSeparableASPPHead'
    assert cfg.model.decode_head.num_classes == 21
    assert cfg.model.backbone.depth == 101
    assert cfg.train_cfg.max_iters == 20000
    assert cfg.train_dataloader.dataset.datasets[0].type == 'PascalVOCDataset'


def test_stock_base_resolves(tmp_path: Path) -> None:
    path = write_config(tmp_path, 'mmseg::_base_/models/fcn_r50-d8.py')
    with open(path, 'a') as file:
        file.write('taken = _base_.model\n')
    cfg = Config.fromfile(path)
    assert cfg.model.decode_head.type == 'FCNHead'
    # As MMEngine does for any package: what is taken out keeps the scope of its registry.
    assert cfg.taken._scope_ == 'mmseg'


@pytest.mark.parametrize('as_list', [False, True], ids=['name', 'list'])
def test_own_config_resolves(tmp_path: Path, as_list: bool) -> None:
    bases = ['mmdrs::drs/drs-learnable_vgg16_2xb5-15e_voc12-320x320.py']
    path = tmp_path / 'config.py'
    path.write_text(
        f'_base_ = {bases if as_list else bases[0]!r}\n'
        'taken = _base_.model\nmodel = dict(decode_head=dict(num_classes=3))\n'
    )
    cfg = Config.fromfile(path)
    reference = Config.fromfile(ROOT / 'configs' / bases[0].removeprefix('mmdrs::'))
    # Equal to the same base given by path: no `_scope_` is added to what is taken out.
    reference.taken = reference.model.to_dict()
    reference.merge_from_dict({'model.decode_head.num_classes': 3})
    assert cfg.to_dict() == reference.to_dict()


def test_packaged_configs_need_no_pkg_resources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, 'pkg_resources', None)  # importing it fails
    for base in ('mmseg::_base_/models/fcn_r50-d8.py', 'mmdrs::shapes/settings_shapes.py'):
        assert Config.fromfile(write_config(tmp_path, base))


def test_missing_packaged_config(tmp_path: Path) -> None:
    path = write_config(tmp_path, 'mmdrs::shapes/setings_shapes.py')
    with pytest.raises(MissingFileError, match="did you mean 'mmdrs::shapes/settings_shapes.py'"):
        Config.fromfile(path)


def test_other_packages_fail_as_before(tmp_path: Path) -> None:
    path = write_config(tmp_path, 'mmyolo::_base_/default_runtime.py')
    with pytest.raises(ModuleNotFoundError, match='mmyolo|pkg_resources'):
        Config.fromfile(path)
    with pytest.raises(AssertionError, match='does not support to load nonsense'):
        Config.fromfile(write_config(tmp_path, 'nonsense::a/b.py'))


def test_apply_again_changes_nothing() -> None:
    def state() -> tuple:
        return (
            len(safe_globals()),
            CheckpointLoader.load_checkpoint,
            mmengine_checkpoint.load_url,
            Config._get_cfg_path,
            sys.modules.get('mmcv.ops'),
        )

    before = state()
    compat.apply()
    assert state() == before


@pytest.mark.parametrize('avg_non_ignore', [True, False])
def test_class_weights_beside_ignored_pixels(avg_non_ignore: bool) -> None:
    """The weighted mean over the labelled pixels, as torch computes it."""
    torch.manual_seed(0)
    scores, labels = torch.randn(2, 3, 4, 5), torch.randint(3, (2, 4, 5))
    labels[:, 0] = 255
    weights = [0.5, 2.0, 1.0]
    loss = MODELS.build(
        dict(type='CrossEntropyLoss', class_weight=weights, avg_non_ignore=avg_non_ignore)
    )
    wanted = F.cross_entropy(scores, labels, torch.tensor(weights), ignore_index=255)
    torch.testing.assert_close(loss(scores, labels, ignore_index=255), wanted)
