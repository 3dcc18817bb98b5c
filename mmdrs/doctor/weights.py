"""Whether the weights that configs name can be had."""

import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from mmdrs.apis.checkpoint import require_checkpoint
from mmdrs.apis.weights import downloaded, unreachable, weights_address
from mmdrs.errors import InputError
from mmdrs.findings import Finding

_SECONDS = 10


def weight_findings(
    configs: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any]
) -> list[Finding]:
    """Look for the weights of all stages: files are there, addresses answer.

    Args:
        configs: Configs by stage; those that start from weights of their own.
        settings: The settings, whose keys are named.
    """
    keys: dict[str, str] = {}
    own = {path: key for key, path in named_weights(settings)}
    for stage, config in configs.items():
        for key, path in named_weights(config):
            keys.setdefault(path, own.get(path) or f'{stage}.{key}')
    findings = []
    for path, key in keys.items():
        fault = _fault(path)
        if fault:
            findings.append(Finding('error', key, fault))
    return findings


def named_weights(config: Any, key: str = '') -> Iterator[tuple[str, str]]:
    """Dotted keys and values of the weights that a config names, in its order."""
    if isinstance(config, Mapping):
        pretrained = config.get('type') == 'Pretrained'
        for name, value in config.items():
            inner = f'{key}.{name}' if key else str(name)
            if isinstance(value, str) and value and _is_weights(name, pretrained):
                yield inner, value
            else:
                yield from named_weights(value, inner)
    elif isinstance(config, list | tuple):
        for number, value in enumerate(config):
            yield from named_weights(value, f'{key}.{number}')


def _is_weights(name: str, pretrained: bool) -> bool:
    return name in ('load_from', 'pretrained') or (pretrained and name == 'checkpoint')


def _fault(path: str) -> str:
    """Why weights cannot be had, and what to do; '' if they can."""
    try:
        if '://' not in path.removeprefix('file://'):
            require_checkpoint(path)
            return ''
        address = weights_address(path)
    except InputError as error:
        return str(error)
    if address is None or downloaded(address):
        return ''
    request = urllib.request.Request(address, method='HEAD')
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS):
            return ''
    except (OSError, ValueError) as error:
        return unreachable(path, error)
