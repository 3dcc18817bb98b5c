#!/usr/bin/env python
"""Run the notebooks of this folder, without Jupyter, and store what they show in them.

    python docs/notebooks/run.py                        # all of them
    python docs/notebooks/run.py drs_in_your_model      # one

Each notebook runs in an empty temporary folder and in a process of its own. What a cell prints,
the figures that it shows and the value of its last line become its outputs. A hash of the sources
is stored beside them: a test fails where a cell was edited and its outputs were not made again.

Cells hold plain Python. A figure with pictures is stored as JPEG, any other as PNG; its size in
pixels is its `figsize` times DPI.
"""

import argparse
import ast
import base64
import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DPI = 90
#: Bytes that a stored notebook may have.
MOST_BYTES = 400_000

Output = dict[str, Any]


def read_notebook(path: Path) -> dict[str, Any]:
    """The content of a notebook file."""
    return json.loads(path.read_text(encoding='utf-8'))


def code_cells(notebook: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The code cells in order."""
    return [cell for cell in notebook['cells'] if cell['cell_type'] == 'code']


def sources_hash(notebook: Mapping[str, Any]) -> str:
    """SHA-256 of the sources of all code cells."""
    sources = [''.join(cell['source']) for cell in code_cells(notebook)]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()


def run_cells(
    notebook: Mapping[str, Any], parameters: Mapping[str, Any] | None = None
) -> list[list[Output]]:
    """Run the code cells in this process and in the current folder.

    Args:
        notebook: Its content.
        parameters: Values of variables, set after the cell with the id ``parameters``.

    Returns:
        The outputs of each code cell, in nbformat 4.
    """
    names: dict[str, Any] = {'__name__': '__main__'}
    found = []
    for cell in code_cells(notebook):
        found.append(run_cell(''.join(cell['source']), cell['id'], names))
        if cell['id'] == 'parameters':
            names.update(parameters or {})
    return found


def run_cell(source: str, name: str, names: dict[str, Any]) -> list[Output]:
    """Run one cell with the variables ``names``, and return its outputs."""
    import matplotlib.pyplot as plt

    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    outputs: list[Output] = []
    printed = io.StringIO()

    def show() -> None:
        _store_text(outputs, printed)
        outputs.extend(figure_output(plt.figure(number)) for number in plt.get_fignums())
        plt.close('all')

    with contextlib.redirect_stdout(printed), patch.object(plt, 'show', show):
        exec(compile(tree, f'cell {name}', 'exec'), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), f'cell {name}', 'eval'), names)
        show()
    if last is not None and value is not None:
        outputs.append(value_output(value))
    return outputs


def _store_text(outputs: list[Output], printed: io.StringIO) -> None:
    """Move what was printed into an output, without the path of the current folder."""
    if text := printed.getvalue().replace(f'{os.getcwd()}{os.sep}', ''):
        outputs.append(dict(output_type='stream', name='stdout', text=_lines(text)))
        printed.seek(0)
        printed.truncate()


def figure_output(figure: Any) -> Output:
    """The output of a figure of matplotlib."""
    kind = 'jpeg' if any(axes.images for axes in figure.axes) else 'png'
    options = dict(pil_kwargs=dict(quality=85)) if kind == 'jpeg' else {}
    stored = io.BytesIO()
    figure.savefig(stored, format=kind, dpi=DPI, **options)
    data = base64.b64encode(stored.getvalue()).decode()
    return _displayed('display_data', {f'image/{kind}': data, 'text/plain': ['<Figure>']})


def value_output(value: Any) -> Output:
    """The output of the value of a cell's last line: its text, and its HTML where it has one."""
    data = {'text/plain': _lines(repr(value))}
    if hasattr(value, '_repr_html_'):
        data = {'text/html': _lines(value._repr_html_()), **data}
    return dict(**_displayed('execute_result', data), execution_count=None)


def _displayed(kind: str, data: dict[str, Any]) -> Output:
    return dict(output_type=kind, metadata={}, data=data)


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def run_apart(path: Path, folder: Path) -> list[list[Output]]:
    """Run a notebook in a process of its own, in a folder; outputs as :func:`run_cells`.

    Raises:
        subprocess.CalledProcessError: If a cell fails; its message is on stderr.
    """
    paths = [str(ROOT), os.environ.get('PYTHONPATH', '')]
    env = dict(MPLBACKEND='Agg', PYTHONPATH=os.pathsep.join(filter(None, paths)))
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / 'outputs.json'
        command = [sys.executable, '-W', 'ignore', __file__, '--cells', str(path), str(out)]
        subprocess.run(command, cwd=folder, env={**os.environ, **env}, check=True)
        return json.loads(out.read_text(encoding='utf-8'))


def store(path: Path) -> None:
    """Run a notebook and store its outputs in its file."""
    notebook = read_notebook(path)
    with tempfile.TemporaryDirectory(prefix='mmdrs_notebook_') as folder:
        outputs = run_apart(path, Path(folder))
    for cell, found in zip(code_cells(notebook), outputs, strict=True):
        cell['outputs'] = found
    notebook['metadata']['mmdrs'] = dict(sources_sha256=sources_hash(notebook))
    text = json.dumps(notebook, indent=1, ensure_ascii=False) + '\n'
    size = len(text.encode())
    if size > MOST_BYTES:
        raise SystemExit(f'{path.name}: {size} bytes, more than {MOST_BYTES}; show less')
    path.write_text(text, encoding='utf-8')
    print(f'{path.name}: {size // 1000} kB')


def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('notebooks', nargs='*', metavar='NAME', help='default: all')
    parser.add_argument('--cells', nargs=2, type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.cells:
        path, out = args.cells
        out.write_text(json.dumps(run_cells(read_notebook(path))), encoding='utf-8')
        return
    known = sorted(HERE.glob('*.ipynb'))
    for path in [HERE / f'{name}.ipynb' for name in args.notebooks] or known:
        if path not in known:
            parser.error(f'no notebook {path.stem}; there are {", ".join(p.stem for p in known)}')
        store(path)


if __name__ == '__main__':
    main()
