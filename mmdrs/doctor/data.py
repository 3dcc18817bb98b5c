"""All checks of the user's data, in the order in which they are told."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmdrs.doctor.given import HINTS, Given, Listed, read_list
from mmdrs.doctor.images import decode_findings
from mmdrs.doctor.labels import label_findings
from mmdrs.doctor.lists import overlap_findings, suffix_findings, unlisted_findings
from mmdrs.doctor.masks import mask_findings
from mmdrs.doctor.saliency import saliency_findings
from mmdrs.findings import Finding

#: What is checked of a list beside the existence, size and values of its files.
_CHECKS: tuple[Callable[[Listed], list[Finding]], ...] = (
    *(suffix_findings, label_findings, mask_findings, saliency_findings),
)


def given_data(configs: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> list[Given]:
    """The data sets of some stages, each once, under the names of the settings."""
    found = {repr(config): Given.of(config, settings) for config in configs}
    return [given for given in found.values() if given is not None]


def data_findings(data: Sequence[Given], decode: bool = False, workers: int = 0) -> list[Finding]:
    """Check lists, images, labels, masks and saliency maps.

    Args:
        data: The data sets.
        decode: Also decode every image; without it only headers are read.
        workers: Processes that decode.

    Returns:
        What was found, each once.
    """
    lists, findings = [], []
    for given in data:
        listed, found = read_list(given)
        findings += found
        if listed is not None:
            lists.append(listed)
    for listed in lists:
        missing, wrong = listed.dataset.file_problems(
            listed.infos, listed.given.titles, listed.index, hints=HINTS
        )
        findings += missing + wrong
        findings += [finding for check in _CHECKS for finding in check(listed)]
    findings += overlap_findings(lists) + unlisted_findings(lists)
    if decode:
        findings += _decoded(lists, workers)
    return list(dict.fromkeys(findings))


def _decoded(lists: Sequence[Listed], workers: int) -> list[Finding]:
    """Decode each image once; those of one folder make one finding."""
    folders: dict[str, dict[str, None]] = {}
    for listed in lists:
        title = listed.given.titles['img_path']
        folders.setdefault(title, {}).update(dict.fromkeys(listed.paths('img_path')))
    return [
        finding
        for title, paths in folders.items()
        for finding in decode_findings(title, list(paths), workers)
    ]
