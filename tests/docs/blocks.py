"""The blocks of code of the documents, and the commands that a shell reads in them."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.pipeline_runs import ROOT

_BLOCK = re.compile(r'^ *```(\w+)\n(.*?)^ *```', re.DOTALL | re.MULTILINE)
#: Programs of the blocks: a shell finds a script in the place of each, which notes its arguments.
PROGRAMS = ('mmdrs', 'python', 'make', 'pip', 'torchrun', 'srun')
#: Programs that it runs.
_RUN = ('bash', 'basename', 'dirname', 'mkdir', 'split')
#: In the order in which a reader follows them.
_FIRST = ('README.md', 'docs/get_started.md', 'docs/own-data.md', 'docs/cues.md')
_BETWEEN = '\x1f'
_NOTE = f"""#!/bin/bash
{{ printf '%s{_BETWEEN}' "${{0##*/}}" "$@"; echo; }} >> "$NOTES"
"""


class Block(NamedTuple):
    """A block of code: its document, the line at which it begins, its language, its text."""

    document: str
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        return f'{self.document}:{self.line}'

    @property
    def file(self) -> str:
        """The file that its first line names, such as ``# settings.py``; '' without one."""
        found = re.match(r'# (\w+\.py)\n', self.text)
        return found[1] if found else ''


def documents() -> list[str]:
    """README and the pages, relative to the repository; those of the first steps come first."""
    found = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / 'docs').rglob('*.md'))]
    pages = [page for page in found if '/_' not in page and page not in _FIRST]
    return [*_FIRST, *pages]


def blocks_of(document: str) -> list[Block]:
    """The blocks of a document whose language is named, in order."""
    text = (ROOT / document).read_text(encoding='utf-8')
    return [
        Block(document, text.count('\n', 0, found.start()) + 2, found[1], found[2])
        for found in _BLOCK.finditer(text)
    ]


def commands_of(document: str, folder: Path) -> list[list[str]]:
    """The commands that the shell blocks of a document run, each as its arguments.

    The shell itself resolves loops, functions, variables and quotes. All blocks of a document are
    read by one shell, since later ones use the variables of earlier ones.

    Args:
        document: Relative to the repository.
        folder: An empty folder to run them in; it gets the shell scripts of ``tools/``.

    Raises:
        AssertionError: If the shell finds an error, or a program that is not in :data:`PROGRAMS`.
    """
    blocks = [block.text for block in blocks_of(document) if block.language == 'shell']
    programs, notes = folder / '.bin', folder / '.notes'
    for path in (programs, folder / 'tools'):
        path.mkdir(parents=True)
    for name in PROGRAMS:
        (programs / name).write_text(_NOTE)
        (programs / name).chmod(0o755)
    for name in _RUN:
        (programs / name).symlink_to(shutil.which(name))
    for script in (ROOT / 'tools').glob('*.sh'):
        shutil.copy(script, folder / 'tools')
    (folder / 'train_cls.txt').write_text('a 0\nb 1\n')
    notes.touch()
    shell = ['bash', '-euo', 'pipefail', '-c', '\n'.join(blocks)]
    environment = dict(PATH=str(programs), NOTES=str(notes), HOME=str(folder))
    done = subprocess.run(shell, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f'{document}: {done.stderr}'
    lines = notes.read_text().replace(f'{folder}{os.sep}', '').splitlines()
    return [unwrapped(line.split(_BETWEEN)[:-1]) for line in dict.fromkeys(lines)]


def unwrapped(command: Sequence[str]) -> list[str]:
    """The command that a launcher of several processes runs: ``python SCRIPT ARGUMENTS``."""
    command = list(command)
    if command[0] == 'srun':
        command = command[command.index('python') :]
    if command[:2] == ['python', '-u']:
        del command[1]
    if command[:3] == ['python', '-m', 'torch.distributed.run']:
        command[:3] = ['torchrun']
    if command[0] == 'torchrun':
        from torch.distributed.run import get_args_parser

        launched = get_args_parser().parse_args(command[1:])
        first = ['-m'] if launched.module else []
        command = ['python', *first, launched.training_script, *launched.training_script_args]
    if command[:3] == ['python', '-m', 'mmdrs']:
        command[:3] = ['mmdrs']
    return command
