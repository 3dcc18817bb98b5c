"""The time that the stages to come may take."""

from mmdrs.engine import format_seconds
from mmdrs.pipeline.runs import StageRun


class Clock:
    """Estimates the time of the stages to come from that of the finished ones.

    The work of a stage is counted in images through a network. Networks differ, so this is a
    rough estimate.
    """

    def __init__(self, runs: dict[str, StageRun], names: list[str]) -> None:
        self.left = {name: runs[name].work() for name in names}
        self.done = self.seconds = 0.0

    def skip(self, name: str) -> None:
        """Leave out a stage that does not have to run."""
        del self.left[name]

    def finish(self, name: str, seconds: float) -> str:
        """Note a finished stage; returns the words on the time left, '' where unknown."""
        self.done += self.left.pop(name)
        self.seconds += seconds
        left = sum(self.left.values())
        if not left or not self.done:
            return ''
        return f'; about {format_seconds(self.seconds / self.done * left)} left for all stages'
