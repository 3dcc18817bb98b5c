"""What Windows and macOS lack is not asked for: POSIX modules, the locale's encoding, fork."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [
    ROOT / 'mmdrs_command.py',
    *sorted(path for path in (ROOT / 'mmdrs').rglob('*.py') if '.mim' not in path.parts),
    *sorted((ROOT / 'tools').rglob('*.py')),
]
#: Modules of the standard library that are not on Windows.
POSIX_MODULES = {'fcntl', 'grp', 'posix', 'pty', 'pwd', 'resource', 'termios', 'tty'}
#: Likewise of `os` and `signal`. Windows has `os.kill`, which ends the process with any signal.
POSIX_NAMES = {
    *('fork', 'forkpty', 'getpgid', 'getuid', 'geteuid', 'kill', 'killpg', 'mkfifo', 'setsid'),
    *('sched_getaffinity', 'statvfs', 'sysconf', 'uname', 'wait', 'waitpid'),
    *('SIGALRM', 'SIGHUP', 'SIGKILL', 'SIGUSR1', 'SIGUSR2', 'alarm'),
}
#: Where they are used all the same, behind a check of the platform.
GUARDED = {
    ('mmdrs/pipeline/lock.py', 'kill'),  # `os.name == 'nt'` is asked before; a handler of SIGTERM
}
#: Modules whose `open` opens no text.
OTHER_OPENERS = {'Image', 'gzip', 'tarfile', 'zipfile'}


def problems(code: str, name: str = 'a.py') -> list[str]:
    """What is not portable in a module, with its line."""
    nodes = list(ast.walk(ast.parse(code)))
    found = [(node.lineno, text) for node in nodes for text in _problems(node, name)]
    return [f'{name}:{line}: {text}' for line, text in sorted(found)]


def _problems(node: ast.AST, name: str) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        modules = [getattr(node, 'module', None), *(alias.name for alias in node.names)]
        yield from (f'imports {module}' for module in modules if module in POSIX_MODULES)
        if getattr(node, 'module', None) in ('os', 'signal'):
            yield from (f'imports {a.name}' for a in node.names if a.name in POSIX_NAMES)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        posix = node.value.id in ('os', 'signal') and node.attr in POSIX_NAMES
        if posix and (name, node.attr) not in GUARDED:
            yield f'uses {node.value.id}.{node.attr}'
    if isinstance(node, ast.Call) and _is_text_without_encoding(node):
        yield 'opens a text file in the encoding of the locale'


def _is_text_without_encoding(call: ast.Call) -> bool:
    if any(keyword.arg == 'encoding' for keyword in call.keywords):
        return False
    function, values = call.func, [getattr(item, 'value', None) for item in call.args]
    if isinstance(function, ast.Name) and function.id == 'open':
        mode = values[1] if len(values) > 1 else 'r'
    elif isinstance(function, ast.Attribute) and function.attr == 'open':
        if isinstance(function.value, ast.Name) and function.value.id in OTHER_OPENERS:
            return False
        mode = values[0] if values else 'r'
        # Another `open` is given something else, as one of the package's own classes.
        if not isinstance(mode, str) or set(mode) - set('rwaxbt+'):
            return False
    elif isinstance(function, ast.Attribute) and function.attr in ('read_text', 'write_text'):
        return len(values) <= (function.attr == 'write_text')
    else:
        return False
    return 'b' not in str(mode)


@pytest.mark.parametrize('path', SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_source(path: Path) -> None:
    assert problems(path.read_text('utf-8'), path.relative_to(ROOT).as_posix()) == []


@pytest.mark.parametrize(
    'line',
    [
        'import fcntl',
        'def f():\n    from resource import getrusage',
        'from os import fork',
        'os.kill(1, 9)',
        'signal.signal(signal.SIGHUP, handler)',
        'open(path)',
        "open(path, 'w')",
        "path.open('a')",
        'path.open()',
        'path.read_text()',
        'path.write_text(text)',
        "path.read_text(errors='replace')",
    ],
)
def test_problem_is_found(line: str) -> None:
    assert len(problems(line)) == 1


@pytest.mark.parametrize(
    'line',
    [
        'import os, signal',
        'signal.signal(signal.SIGTERM, handler)',
        "open(path, 'rb')",
        "open(path, encoding='utf-8')",
        "path.open('wb')",
        "path.open('w', encoding='utf-8')",
        "path.read_text('utf-8')",
        "path.write_text(text, 'utf-8')",
        'Image.open(path)',
        'folder.open(images, overwrite)',
        'read_text(path)',
    ],
)
def test_others_pass(line: str) -> None:
    assert problems(line) == []
