"""What setup.py tells setuptools, without building anything."""

import runpy
from typing import Any
from unittest import mock

from tests.pipeline_runs import ROOT


def read_setup() -> tuple[dict[str, Any], dict[str, Any]]:
    """Run setup.py with a stand-in for ``setup``.

    Returns:
        Its names, and the arguments of ``setup``.
    """
    with mock.patch('setuptools.setup') as setup:
        names = runpy.run_path(str(ROOT / 'setup.py'))
    return names, setup.call_args.kwargs
