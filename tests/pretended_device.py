"""A device that computes on the CPU and behaves like a GPU, to find device mistakes without one.

``python -m tests.pretended_device TOOL ARGUMENTS`` runs a script of ``tools/`` on it: MMEngine
finds the device ``pretended``. An operation on tensors of two devices is an error, as is
``.numpy()`` of a tensor on it. In a process of its own, because PyTorch has one such backend.
"""

import sys
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = 'pretended'
#: Autocast has no list of operations for the device: it runs all of them as they are.
AUTOCAST = torch.library.Library('_', 'IMPL', 'AutocastPrivateUse1')
aten = torch.ops.aten


class Backend:
    """What PyTorch and MMEngine ask the module of a device for."""

    @staticmethod
    def is_available() -> bool:
        return True

    @staticmethod
    def is_initialized() -> bool:
        return True

    @staticmethod
    def _is_in_bad_fork() -> bool:
        return False

    @staticmethod
    def manual_seed_all(seed: int) -> None:
        """The values come from the CPU's generator."""

    @staticmethod
    def device_count() -> int:
        return 1

    @staticmethod
    def current_device() -> int:
        return 0

    @staticmethod
    def get_amp_supported_dtype() -> list[torch.dtype]:
        return [torch.bfloat16, torch.float16]


class PretendedTensor(torch.Tensor):
    """A tensor of the device; ``values`` holds its values, on the CPU."""

    values: torch.Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, values: torch.Tensor) -> 'PretendedTensor':
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            values.size(),
            strides=values.stride(),
            storage_offset=values.storage_offset(),
            dtype=values.dtype,
            device=torch.device(NAME, 0),
        )
        made.values = values
        return made

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None) -> Any:
        return compute(function, args, kwargs or {})

    def __getitem__(self, index: Any) -> torch.Tensor:
        # PyTorch would make a tensor of a list below Python, out of reach of the dispatch.
        parts = index if isinstance(index, tuple) else (index,)
        return super().__getitem__(
            tuple(torch.tensor(part) if isinstance(part, list) else part for part in parts)
        )

    def tolist(self) -> list:
        """As of a GPU's tensor; PyTorch refuses it for subclasses."""
        return self.values.tolist()

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        return f'PretendedTensor({self.values!r})'

    def __reduce_ex__(self, protocol: int) -> Any:
        return _pretended, (self.values.detach().clone(), self.requires_grad)


def _pretended(values: torch.Tensor, requires_grad: bool) -> torch.Tensor:
    return values.to(NAME).requires_grad_(requires_grad)


class PretendedDevice(TorchDispatchMode):
    """While it is on, tensors can be made on the device and moved to it."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None) -> Any:
        return compute(function, args, kwargs or {})


def compute(function: Any, args: tuple, kwargs: dict) -> Any:
    """Run an operation on the CPU; its results are where those of a GPU would be.

    Raises:
        RuntimeError: If it mixes devices. A number on the CPU (a tensor without dimensions) may
            be mixed with others.
    """
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    ours = [tensor for tensor in tensors if isinstance(tensor, PretendedTensor)]
    others = [t for t in tensors if not isinstance(t, PretendedTensor) and t.dim() > 0]
    kind = function.overloadpacket
    # On a GPU too, an index may be on the CPU.
    free = kind in (aten._to_copy, aten.copy_, aten.index, aten.index_put_, aten.index_put)
    if ours and others and not free:
        shapes = ', '.join(f'{tuple(t.shape)} on {t.device.type}' for t in tensors)
        raise RuntimeError(f'{function} with tensors on two devices: {shapes}')
    on_device = isinstance(args[0], PretendedTensor) if free else bool(ours)
    if kwargs.get('device') is not None:
        on_device = torch.device(kwargs['device']).type == NAME
        kwargs = {**kwargs, 'device': torch.device('cpu')}
    kwargs = {k: v for k, v in kwargs.items() if k != 'pin_memory'}
    results = function(*tree_map(_values, args), **tree_map(_values, kwargs))
    known = {id(tensor.values): tensor for tensor in ours}  # what it has written into

    def placed(result: Any) -> Any:
        if not on_device or not isinstance(result, torch.Tensor):
            return result
        return known.get(id(result)) if id(result) in known else PretendedTensor(result)

    return tree_map(placed, results)


def _values(argument: Any) -> Any:
    return argument.values if isinstance(argument, PretendedTensor) else argument


def install() -> None:
    """Make the device known to PyTorch, and the one on which MMEngine runs."""
    import mmengine.device.utils

    AUTOCAST.fallback(torch.library.fallthrough_kernel)
    _setup_privateuseone_for_python_backend(NAME, backend_module=Backend())
    mmengine.device.utils.DEVICE = NAME


def main() -> None:
    """Run a tool on the device."""
    import mmdrs  # noqa: F401 - its bridges come before MMSegmentation
    from tests.pipeline_runs import load_tool

    install()
    with PretendedDevice():
        load_tool(sys.argv[1]).main(sys.argv[2:])


if __name__ == '__main__':
    main()
