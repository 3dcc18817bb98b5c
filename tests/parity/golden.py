"""A folder of golden values: numbers that the authors' released code computed.

Weights and inputs are not stored: they are pseudo-random numbers that anyone can generate again
from their names and the base seed in ``seed.txt``.
"""

import json
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmdrs.errors import MissingFileError
from tests.pipeline_runs import load_tool

released = load_tool('model_converters/released_checkpoints')

_DOUBLED = {f'features.{index}': name for name, index in released.VGG_CONVS.items()}


class GoldenFolder:
    """Golden values with the weights and inputs that they belong to.

    Attributes:
        folder: The folder.
        seed: Its base seed; another seed means other weights and inputs.
    """

    def __init__(self, folder: str | Path) -> None:
        """Open a folder.

        Raises:
            FileNotFoundError: If there is no such folder, or no ``seed.txt`` in it.
        """
        self.folder = Path(folder)
        self.seed = int(self._file('seed.txt').read_text())

    def load(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of ``<name>.npz``.

        Raises:
            FileNotFoundError: If it is not there.
        """
        with np.load(self._file(f'{name}.npz')) as file:
            return dict(file)

    def rng(self, *keys: str) -> np.random.Generator:
        return np.random.default_rng([self.seed] + [zlib.crc32(key.encode()) for key in keys])

    def image(self, batch: int, height: int, width: int, tag: str) -> Tensor:
        """A normalised image batch, (batch, 3, height, width)."""
        values = self.rng('image', tag).standard_normal((batch, 3, height, width))
        return torch.from_numpy(values.astype(np.float32))

    def checkpoint(self, name: str) -> dict[str, Tensor]:
        """The released checkpoint whose keys are in ``keys_<name>.json``, with golden values."""
        shapes = json.loads(self._file(f'keys_{name}.json').read_text())
        norms = {
            key.rpartition('.')[0]
            for key in shapes
            if key.endswith(('running_mean', 'running_var'))
        }
        return {key: self._value(key, tuple(shape), norms) for key, shape in shapes.items()}

    def _value(self, key: str, shape: tuple[int, ...], norms: set[str]) -> Tensor:
        module, _, parameter = key.rpartition('.')
        if parameter == 'num_batches_tracked':
            return torch.zeros(shape, dtype=torch.long)
        # Both copies of a doubled convolution hold the value of its second name.
        name = f'{_DOUBLED[module]}.{parameter}' if module in _DOUBLED else key
        z = self.rng(name).standard_normal(shape).astype(np.float32)
        if parameter == 'running_mean':
            value = 0.1 * z
        elif parameter == 'running_var':
            value = 1 + 0.1 * np.abs(z)
        elif len(shape) > 1:
            value = z * np.sqrt(2 / np.prod(shape[1:]))
        elif module in norms and parameter == 'weight':
            value = 0.25 + 0.05 * z
        else:
            value = 0.05 * z
        return torch.from_numpy(np.asarray(value, np.float32))

    def _file(self, name: str) -> Path:
        path = self.folder / name
        if not path.is_file():
            raise MissingFileError(f"'{path}' is missing; give a folder of golden values")
        return path
