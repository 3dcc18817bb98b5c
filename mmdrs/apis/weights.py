"""Where weights come from: files, addresses, and names such as ``mmcls://mobilenet_v2``."""

import os
from pathlib import Path

import torch
from mmengine.runner.checkpoint import get_external_models, get_mmcls_models

from mmdrs.errors import InputError, did_you_mean


def weights_address(path: str) -> str | None:
    """The address that MMEngine downloads weights from.

    Args:
        path: As in ``init_cfg.checkpoint``, with ``://``.

    Returns:
        ``https://...``; None for schemes that other packages resolve.

    Raises:
        InputError: If a collection has no weights of this name; names close ones.
    """
    scheme, _, name = path.partition('://')
    if scheme in ('http', 'https'):
        return path
    if scheme == 'mmcls':
        known = get_mmcls_models()
    elif scheme in ('open-mmlab', 'openmmlab'):
        known = get_external_models()
    else:
        return None
    if name not in known:
        raise InputError(f"there are no weights '{path}'{did_you_mean(name, known)}")
    # Some entries are relative to the folder of earlier downloads.
    return known[name] if '://' in known[name] else None


def downloaded(address: str) -> Path | None:
    """The file of an earlier download from an address; None if there is none."""
    path = Path(torch.hub.get_dir()) / 'checkpoints' / os.path.basename(address)
    return path if path.is_file() else None


def unreachable(path: str, reason: BaseException) -> str:
    """What to say of weights that cannot be downloaded: one line, with the way out."""
    try:
        address = weights_address(path) or path
    except InputError as error:
        return str(error)
    # The error of an address has the cause in it; that of an HTTP answer says it best itself.
    code = getattr(reason, 'code', None)
    cause = reason if code else getattr(reason, 'reason', None) or reason
    words = getattr(cause, 'strerror', None) or str(cause) or type(cause).__name__
    return (
        f"'{path}' cannot be downloaded ({words}): download {address} elsewhere, and give the "
        'file instead'
    )
