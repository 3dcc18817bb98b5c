"""Decoding every image, as the networks will."""

from collections.abc import Sequence

from mmdrs.apis.pool import ordered_map
from mmdrs.engine import Progress
from mmdrs.findings import Finding
from mmdrs.pseudo_labels.image_file import decoding_fault

#: Images that a process gets at once.
_CHUNK = 16
#: Fewer are decoded here: a process takes seconds to start.
_FEW = 5000


def decode_findings(title: str, paths: Sequence[str], workers: int = 0) -> list[Finding]:
    """Decode images; say which are cut short or damaged.

    Args:
        title: What the finding calls their folder.
        paths: The images; headers alone are checked elsewhere.
        workers: Processes beside this one.
    """
    progress, problems = Progress('decoding images'), []
    workers = workers if len(paths) >= _FEW else 0
    for done, problem in enumerate(ordered_map(decoding_fault, paths, workers, _CHUNK), 1):
        if done == 1:
            progress.start(1)  # the processes have started, which does not count
        if problem:
            problems.append(problem)
        progress.step(done, len(paths))
    if not problems:
        return []
    message = f'{len(problems)} of {len(paths)} images cannot be decoded'
    return [Finding('error', title, message, tuple(problems), SKIP)]


#: What to do about images that cannot be decoded.
SKIP = 'Get the files again, or leave such images out: skip_broken=True.'
