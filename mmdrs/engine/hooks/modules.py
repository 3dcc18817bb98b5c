"""The modules of a model that a hook acts on."""

from typing import TypeVar

from torch import nn

from mmdrs.errors import InputError

Module = TypeVar('Module', bound=nn.Module)


def modules_of(model: nn.Module, kind: type[Module], missing: str) -> list[Module]:
    """The modules of a kind in a model, wrapped (by DDP) or not.

    Args:
        model: The model.
        kind: Class of the modules.
        missing: Message of the error where there is none.

    Raises:
        InputError: If the model has none.
    """
    found = [module for module in model.modules() if isinstance(module, kind)]
    if not found:
        raise InputError(missing)
    return found
