"""Decoding every image, as the networks will."""

from collections.abc import Sequence

from mmdrs.apis.pool import ordered_map
from mmdrs.engine import Progress
from mmdrs.errors import InputError
from mmdrs.findings import Finding
from mmdrs.pseudo_labels.image_file import read_image

#: Images that a process gets at once.
_CHUNK = 16
#: Fewer are decoded here: a process takes seconds to start.
_FEW = 500


def decode_findings(title: str, paths: Sequence[str], workers: int = 0) -> list[Finding]:
    """Decode images; say which are cut short or damaged.

    Args:
        title: What the finding calls their folder.
        paths: The images; headers alone are checked elsewhere.
        workers: Processes beside this one.
    """
    progress, problems = Progress('decoding images'), []
    workers = workers if len(paths) >= _FEW else 0
    for done, problem in enumerate(ordered_map(decode, paths, workers, _CHUNK), 1):
        if problem:
            problems.append(problem)
        progress.step(done, len(paths))
    if not problems:
        return []
    message = f'{len(problems)} of {len(paths)} images cannot be decoded'
    return [Finding('error', title, message, tuple(problems), SKIP)]


#: What to do about images that cannot be decoded.
SKIP = 'Get the file again, or take its line out of the list: other images are not affected.'


def decode(path: str) -> str | None:
    """What is wrong with an image; None if it can be decoded to its end."""
    try:
        read_image(path)
    except InputError as error:
        return str(error)
    return None
