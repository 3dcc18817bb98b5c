"""Reads as much of a Dockerfile as the tests need."""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Stage:
    """One stage.

    Attributes:
        base: The image after FROM, with the default values of the build arguments.
        name: What follows AS, else ''.
        steps: Instruction and its text, continued lines joined.
    """

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def texts(self, instruction: str) -> list[str]:
        """Texts of all steps of an instruction."""
        return [text for name, text in self.steps if name == instruction]

    def copied(self) -> list[str]:
        """What COPY takes from the build context."""
        texts = [text for text in self.texts('COPY') if '--from=' not in text]
        return [source for text in texts for source in shlex.split(text)[:-1]]


def read_dockerfile(path: Path) -> list[Stage]:
    """Return the stages of a Dockerfile."""
    lines = [line for line in path.read_text().splitlines() if not re.match(r'\s*#', line)]
    stages, defaults = [], {}
    for line in '\n'.join(lines).replace('\\\n', ' ').splitlines():
        instruction, _, text = line.strip().partition(' ')
        if instruction == 'ARG' and not stages:
            name, _, value = text.partition('=')
            defaults[name] = value
        elif instruction == 'FROM':
            base, _, name = text.partition(' AS ')
            stages.append(Stage(re.sub(r'\$\{(\w+)\}', lambda n: defaults[n[1]], base), name))
        elif instruction:
            stages[-1].steps.append((instruction, ' '.join(text.split())))
    return stages
