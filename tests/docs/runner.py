"""Runs jobs of ``test_code_blocks.py`` one after another, in one process and from a wheel.

Its text is run by ``python -c`` in the folder of the made-up data. It reads ``jobs.json`` and
writes ``results.json``: an error, '' for none, and the output of each job.
"""

import argparse
import contextlib
import importlib
import io
import json
import os
import re
import runpy
import sys
import traceback
from pathlib import Path
from unittest.mock import patch


class Parsed(BaseException):
    """The arguments of a command are accepted."""


@contextlib.contextmanager
def only_parsing():
    """End a command when it has parsed its arguments."""
    parse = argparse.ArgumentParser.parse_args

    def parse_and_end(self, args=None, namespace=None):
        parse(self, args, namespace)
        raise Parsed

    with (
        patch.object(argparse.ArgumentParser, 'parse_args', parse_and_end),
        contextlib.suppress(Parsed),
    ):
        yield
        raise AssertionError('the command has parsed no arguments')


def run_command(arguments):
    """Run ``mmdrs ...``, or ``python tools/...`` from the wheel's copy of the tools."""
    import mmdrs_command

    if arguments[0] == 'mmdrs':
        mmdrs_command.main(arguments[1:])
        return
    import mmdrs

    script = Path(mmdrs.__file__).parent / '.mim' / arguments[1]
    assert arguments[0] == 'python' and script.is_file(), f'no {arguments[1]} in the wheel'
    before = sys.path[:]
    sys.argv, sys.path[0] = [str(script), *arguments[2:]], str(script.parent)
    try:
        runpy.run_path(str(script), run_name='__main__')
    finally:
        sys.path[:] = before


def check_config(path):
    """Read a config; build the network of a config, and of a stage of settings."""
    from mmengine.config import Config
    from mmengine.registry import DefaultScope
    from mmseg.registry import MODELS

    from mmdrs.pipeline.settings import load_settings

    text = Path(path).read_text()
    cfg = Config.fromfile(path)
    unknown = set(re.findall(r"\btype='(\w+)'", text)) - known_types()
    assert not unknown, f'no such types: {unknown}'
    model = cfg.get('model')
    if cfg.get('stages') and model is None:
        settings = load_settings(path)
        settings.check_keys()
        model = settings.stage_config('drs_classifier', Path('unused')).model
    if model is not None:
        with DefaultScope.overwrite_default_scope('mmseg'):
            MODELS.build(model)


def known_types():
    """The names in all registries, and those of layers of DRS."""
    import mmengine.registry
    import mmseg.utils

    import mmdrs.registry
    from mmdrs.models import layers

    mmseg.utils.register_all_modules(init_default_scope=False)
    registries = [
        value
        for module in (mmengine.registry, mmdrs.registry)
        for value in vars(module).values()
        if isinstance(value, mmengine.registry.Registry)
    ]
    found = {*vars(layers)}
    while registries:
        registry = registries.pop()
        found |= registry.module_dict.keys()
        registries += registry.children.values()
    return found


def run_job(job):
    """Do a job by its kind."""
    if job['kind'] == 'run':
        run_command(job['arguments'])
    elif job['kind'] == 'parse':
        with only_parsing():
            run_command(job['arguments'])
    elif job['kind'] == 'config':
        check_config(job['file'])
    elif job['kind'] == 'module':
        importlib.import_module(Path(job['file']).stem)
    else:
        text = Path(job['file']).read_text()
        exec(compile(text, job['file'], 'exec'), {'__name__': '__main__'})


def main():
    """Do all jobs."""
    import mmdrs

    top, results = os.getcwd(), []
    for job in json.loads(Path('jobs.json').read_text()):
        os.chdir(os.path.join(top, job['folder']))
        output, error = io.StringIO(), ''
        try:
            with contextlib.redirect_stdout(output):
                run_job(job)
        except SystemExit as end:
            error = str(end.code or '')
        except BaseException:
            error = traceback.format_exc()[-3000:]
        results.append(dict(error=error, output=output.getvalue()))
        os.chdir(top)
    Path('results.json').write_text(json.dumps([mmdrs.__file__, results]))


if __name__ == '__main__':
    main()
