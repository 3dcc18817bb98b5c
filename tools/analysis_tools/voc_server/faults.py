"""What is wrong with an upload, and the folder that the server wants."""

from collections.abc import Mapping
from pathlib import Path

from mmdrs.errors import InputError, first_lines

#: Faults by kind: the kind is a heading, each line names a file and says what is wrong with it.
Faults = dict[str, list[str]]

#: comp5: trained on data of VOC alone. comp6: anything else, such as pretraining on ImageNet.
CHALLENGES = ('comp5', 'comp6')
#: How many faults of a kind a message names.
SHOWN = 10
UNREADABLE = 'not a PNG, or unreadable'


def submission_folder(challenge: str) -> str:
    """The folder of the PNGs in the archive.

    Raises:
        InputError: If the challenge is not one of :data:`CHALLENGES`.
    """
    if challenge not in CHALLENGES:
        raise InputError(f'challenge must be {" or ".join(CHALLENGES)}, got {challenge!r}')
    return f'results/VOC2012/Segmentation/{challenge}_test_cls'


def refuse(faults: Mapping[str, list[str]], path: str | Path, note: str = '') -> None:
    """Refuse an archive or a folder for its faults.

    Raises:
        InputError: If there are any; it counts all and names the first of each kind, sorted.
    """
    total = sum(map(len, faults.values()))
    if not total:
        return
    kinds = ''.join(
        f'\n  {kind}: {len(lines)}\n{first_lines(sorted(lines), SHOWN, "    ")}'
        for kind, lines in faults.items()
    )
    raise InputError(f'{path}: {total} {"fault" if total == 1 else "faults"}{note}{kinds}')
