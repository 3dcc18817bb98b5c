"""The config of a run, written quickly."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from mmengine.config import Config


class RunConfig(Config):
    """A config whose text is that of MMEngine, but each of its statements is formatted once.

    MMEngine formats a config four times a run: for the log, the stored config, the visualizer and
    the checkpoints. Each time takes a quarter of a second, as long as many a stage of a small data
    set. Most statements of two runs in one process are the same as well.
    """

    @classmethod
    def of(cls, cfg: Config) -> 'RunConfig':
        """The same config; both share their values."""
        made = cls.__new__(cls)
        made.__setstate__(cfg.__getstate__())
        return made

    @property
    def pretty_text(self) -> str:
        """The config as Python code."""
        items = sorted(self.to_dict().items(), key=lambda item: str(item[0]))
        return ''.join(_formatted(_Statement.of({key: value})) for key, value in items)


@dataclass(frozen=True)
class _Statement:
    """One key with its value; two of the same plain code are equal."""

    plain: str
    values: dict[str, Any] = field(compare=False)

    @classmethod
    def of(cls, values: dict[str, Any]) -> '_Statement':
        return cls(Config(values, format_python_code=False).pretty_text, values)


@lru_cache(maxsize=1024)
def _formatted(statement: _Statement) -> str:
    return Config(statement.values).pretty_text
