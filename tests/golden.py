"""Weights, inputs and values of the golden files (computed by the authors' released code).

Weights and inputs are pseudo-random numbers that anyone can generate again from their names.
"""

import json
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import nn

FOLDER = Path(__file__).parent / 'data' / 'golden'
SEED = int((FOLDER / 'seed.txt').read_text())
#: Index in torchvision's `features` of the convolutions that the released code calls layerA_convB.
FEATURES = {
    f'layer{stage}_conv{conv}': index
    for (stage, conv), index in zip(
        [(s, c) for s, depth in enumerate((2, 2, 3, 3, 3), 1) for c in range(1, depth + 1)],
        (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
        strict=True,
    )
}


def load(name: str) -> dict[str, np.ndarray]:
    """The arrays of a golden file."""
    with np.load(FOLDER / f'{name}.npz') as file:
        return dict(file)


def rng(*keys: str) -> np.random.Generator:
    return np.random.default_rng([SEED] + [zlib.crc32(key.encode()) for key in keys])


def image(batch: int, height: int, width: int, tag: str) -> torch.Tensor:
    values = rng('image', tag).standard_normal((batch, 3, height, width))
    return torch.from_numpy(values.astype(np.float32))


def value(key: str, shape: tuple[int, ...]) -> torch.Tensor:
    """The value of a VGG parameter (no batch norm) of that released name."""
    z = rng(key).standard_normal(shape).astype(np.float32)
    scale = np.sqrt(2 / np.prod(shape[1:])) if len(shape) > 1 else 0.05
    return torch.from_numpy((z * scale).astype(np.float32))


def released_name(key: str) -> str:
    """Name in the released VGG checkpoints of a parameter of our segmentor."""
    part, *rest, kind = key.split('.')
    if part == 'decode_head':
        return f'extra_conv4.{kind}'
    module, number = rest[0], rest[1]
    if module == 'features':
        names = {index: name for name, index in FEATURES.items()}
        return f'{names[int(number)]}.{kind}'
    if module == 'extra':
        return f'extra_conv{int(number) // 2 + 1}.{kind}'
    # drs.features_1.controller.weight follows the convolution before it.
    place, index = rest[1].rsplit('_', 1)
    conv = released_name(f'backbone.{place}.{int(index) - 1}.weight').removesuffix('.weight')
    return f'{conv.replace("conv", "relu")}.fc.0.weight'


def fill(segmentor: nn.Module, keys: str) -> None:
    """Give a segmentor of DilatedVGG and a localization head the golden weights, all of them."""
    shapes = json.loads((FOLDER / f'{keys}.json').read_text())
    used = set()
    for name, parameter in segmentor.named_parameters():
        released = released_name(name)
        assert tuple(shapes[released]) == tuple(parameter.shape), (name, released)
        parameter.data = value(released, tuple(parameter.shape))
        used.add(released)
    assert used == {key for key in shapes if not key.startswith('features.')}
