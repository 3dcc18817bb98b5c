"""Decoding every image, as the networks will."""

from collections.abc import Sequence

from mmdrs.apis.pool import ordered_map
from mmdrs.engine import Progress
from mmdrs.errors import InputError
from mmdrs.findings import Finding
from mmdrs.pseudo_labels.image_file import open_picture, read_image

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
    for done, problem in enumerate(ordered_map(decode, paths, workers, _CHUNK), 1):
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
SKIP = 'Get the file again, or take its line out of the list: other images are not affected.'


def decode(path: str) -> str | None:
    """What is wrong with an image; None if it can be decoded to its end.

    A JPEG is decoded at an eighth of its size: that reads all of its data in a third of the time.
    """
    try:
        if not _is_whole_jpeg(path):
            read_image(path)
    except InputError as error:
        return str(error)
    return None


def _is_whole_jpeg(path: str) -> bool:
    """Whether it is a JPEG of a mode that every decoder knows, which can be read to its end."""
    with open_picture(path, 'image') as picture:
        if picture.format != 'JPEG' or picture.mode not in ('RGB', 'L'):
            return False
        picture.draft(picture.mode, (picture.width // 8, picture.height // 8))
        picture.load()
    return True
