"""tools/analysis_tools/drs_layers.py: which places it lists, and with what values."""

from pathlib import Path

import pytest

from tests.pipeline_runs import ROOT, load_tool

RESNET = "dict(type='ResNet', depth=18, norm_cfg=dict(type='BN'))"
MIX = ROOT / 'configs' / 'mix'


@pytest.fixture
def places(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Run the tool on a config or on the text of a backbone's config.

    It returns the cells of each place by its name, and all lines.
    """
    main = load_tool('analysis_tools/drs_layers').main

    def run(config: str, *arguments: str) -> tuple[dict[str, list[str]], list[str]]:
        if config.startswith('dict('):
            (tmp_path / 'config.py').write_text(f'model = dict(backbone={config})\n')
            config = str(tmp_path / 'config.py')
        capsys.readouterr()
        main([config, *arguments])
        lines = capsys.readouterr().out.splitlines()
        cells = [[cell.strip() for cell in line.split('  ') if cell.strip()] for line in lines[3:]]
        return {row[0]: row[1:] for row in cells[: cells.index([])]}, lines

    return run


def test_resnet(places) -> None:
    listed, lines = places(RESNET)
    assert lines[0] == 'ResNet, input 3 x 64 x 64'
    assert ' '.join(lines[2].split()) == 'place type output shape layout rectified DRS'
    assert listed['layer4'] == ['ResLayer', '(1, 512, 2, 2)', 'nchw', 'yes', 'default']
    assert listed['layer3'] == ['ResLayer', '(1, 256, 4, 4)', 'nchw', 'yes', 'default']
    assert listed['layer1.0'] == ['BasicBlock', '(1, 64, 16, 16)', 'nchw', 'yes']
    for run in (1, 2):
        assert listed[f'layer1.0.relu@{run}'] == ['ReLU', '(1, 64, 16, 16)', 'nchw', 'yes']
    # The first ReLU, four stages, two blocks in each, two runs of the ReLU in each block.
    assert len(listed) == 1 + 4 + 8 + 16
    assert lines[-1] == '29 places, 44 more with --all'


def test_all_and_input_shape(places) -> None:
    listed, lines = places(RESNET, '--all', '--input-shape', '3', '96', '128')
    assert lines[0] == 'ResNet, input 3 x 96 x 128' and lines[-1] == '73 places'
    assert listed['layer4'][1] == '(1, 512, 3, 4)'
    assert listed['layer1.0.bn1'] == ['BatchNorm2d', '(1, 64, 24, 32)', 'nchw', 'no']
    assert listed['layer2.0.downsample'][3] == 'no' and listed['maxpool'][3] == 'yes'
    # The stem, four stages, blocks with two convolutions, norms and runs, downsampling in three.
    assert len(listed) == 4 + 4 + 8 * (1 + 2 + 2 + 2) + 3 * (1 + 2)


def test_tokens_of_a_stock_config(places) -> None:
    listed, lines = places('mmseg::segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py')
    assert lines[0] == 'MixVisionTransformer, input 3 x 64 x 64'
    assert listed['layers.2.2'] == ['LayerNorm', '(1, 16, 160)', 'nlc', 'no', 'default']
    assert listed['layers.3.2'] == ['LayerNorm', '(1, 4, 256)', 'nlc', 'no', 'default']
    assert listed['layers.0.1.0'] == ['TransformerEncoderLayer', '(1, 256, 32)', 'nlc', 'no']
    assert listed['layers.0.1.0.ffn.activate'][1:3] == ['(1, 128, 16, 16)', 'nchw']
    assert 'layers.0.2' not in listed and 'layers.0.1.0.ffn' not in listed
    assert lines[-1].startswith("layers='default' sets rectify=False, layout='nlc'")


def test_places_in_use(places) -> None:
    (config,) = MIX.glob('pspnet_*.py')
    used = "model.backbone.layers=['layer4','layer2.0.relu@2','layer1.0.conv1']"
    listed, lines = places(str(config), '--cfg-options', used)
    assert lines[0].startswith('ResNetV1c')
    marks = {name: row[4] for name, row in listed.items() if len(row) > 4}
    assert marks == {
        'layer1.0.conv1': 'in use',
        'layer2.0.relu@2': 'in use',
        'layer3': 'default',
        'layer4': 'default, in use',
    }


def test_windows_and_tuples_are_left_out(places) -> None:
    swin = 'dict(type="SwinTransformer", embed_dims=8, depths=(2, 1), num_heads=(1, 2), '
    swin += 'out_indices=(0, 1), strides=(4, 2))'
    listed, lines = places(swin, '--all')
    assert listed['stages.0.blocks.0'] == ['SwinBlock', '(1, 256, 8)', 'nlc', 'no']
    assert listed['stages.0.blocks.0.ffn.layers.0.1'][0] == 'GELU'
    # 16 x 16 tokens are padded to 9 windows of 49; a stage returns a tuple.
    assert 'stages.0.blocks.0.attn.w_msa' not in listed and 'stages.0' not in listed
    usual, _ = places(swin)
    assert set(usual) == {
        *(f'stages.{n}{part}' for n in ('0.blocks.0', '0.blocks.1', '1.blocks.0')
          for part in ('', '.ffn.layers.0.1')),
    }  # fmt: skip


@pytest.mark.parametrize('any_size', [True, False])
def test_channels_last_maps(places, tmp_path: Path, any_size: bool) -> None:
    """As those of ConvNeXt's blocks, and of a backbone that cannot be asked at another size."""
    module = tmp_path / f'channels_last_{any_size}.py'
    module.write_text(
        'from mmseg.registry import MODELS\n'
        'from torch import nn\n'
        f'@MODELS.register_module("ChannelsLast{any_size}")\n'
        'class ChannelsLast(nn.Module):\n'
        '    def __init__(self):\n'
        '        super().__init__()\n'
        '        self.conv, self.act = nn.Conv2d(3, 8, 3, 4, 1), nn.GELU()\n'
        '        self.linear = nn.Linear(8, 8)\n'
        '    def forward(self, x):\n'
        f'        assert {any_size} or x.shape[2] == 64\n'
        '        return self.act(self.linear(self.conv(x).permute(0, 2, 3, 1)))\n'
    )
    config = tmp_path / 'last.py'
    config.write_text(
        f"custom_imports = dict(imports=['{module.stem}'])\n"
        f"model = dict(backbone=dict(type='ChannelsLast{any_size}'))\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        listed, lines = places(str(config), '--all')
    assert listed['conv'][1:3] == ['(1, 8, 16, 16)', 'nchw']
    assert listed['act'][1:3] == ['(1, 16, 16, 8)', 'nhwc' if any_size else 'nchw']
    assert (lines[-1].startswith('It takes this input size only')) is not any_size


def test_backbone_without_default(places) -> None:
    listed, lines = places("dict(type='FastSCNN', norm_cfg=dict(type='BN'))")
    assert len(listed) > 5 and not any(len(row) > 4 for row in listed.values())
    assert lines[-1] == "FastSCNN has no layers='default': name the layers"


def test_default_that_does_not_fit(places) -> None:
    listed, lines = places(
        "dict(type='ResNet', depth=18, num_stages=2, strides=(1, 2), dilations=(1, 1), "
        "out_indices=(0, 1), norm_cfg=dict(type='BN'))"
    )
    assert 'layer2' in listed
    assert lines[-1].startswith("layers='default' does not fit this backbone: DRSBackbone: ")


@pytest.mark.parametrize(
    ('config', 'arguments', 'message'),
    [
        ('absent.py', (), "config file 'absent.py' does not exist"),
        ('mmseg::unet/absent.py', (), r"there is no config 'mmseg::unet/absent\.py'"),
        ('mmdet::a/b.py', (), "config file 'mmdet::a/b.py' does not exist"),
        ('{}', (), 'has no model'),
        ("dict(type='Nonsense')", (), 'the backbone Nonsense cannot be built: .*Nonsense'),
        ("dict(type='ResNet', depth=19)", (), 'the backbone ResNet cannot be built: .*19'),
        ("dict(type='DRSBackbone')", (), 'has no backbone'),
        (RESNET, ('--input-shape', '4', '32', '32'), 'ResNet fails on an input of 4 x 32 x 32'),
        (RESNET, ('--cfg-options', 'modle.a=1'), "has no 'modle'; did you mean 'model'"),
        (f"dict(type='DRSBackbone', backbone={RESNET}, drs={{}}, layers=['laier4'])", (),
         "'laier4' matches no module of ResNet; close names.*layer4"),
    ],
)  # fmt: skip
def test_errors(places, tmp_path: Path, config: str, arguments: tuple, message: str) -> None:
    if config == '{}':
        (tmp_path / 'empty.py').write_text('a = 1\n')
        config = str(tmp_path / 'empty.py')
    with pytest.raises(SystemExit, match=f'^error: .*{message}') as error:
        places(config, *arguments)
    assert isinstance(error.value.code, str)  # so that Python prints it and exits with 1


def test_missing_import(tmp_path: Path, places) -> None:
    path = tmp_path / 'imports.py'
    imports = "dict(imports=['no_such_module'], allow_failed_imports=False)"
    path.write_text(f'custom_imports = {imports}\n')
    with pytest.raises(SystemExit, match='^error: the config .* cannot be read: .*no_such_module'):
        places(str(path))
