"""What made the saliency maps of a folder, beside them: ``saliency.json``.

Scores by the same rules differ by up to 12 points between two sources (arXiv 2404.00918), so each
record names it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmdrs.errors import InputError
from mmdrs.files import write_json
from mmdrs.reading import read_json

_NAME = 'saliency.json'


def write_source(folder: str | Path, source: str) -> None:
    """Say what made the maps of a folder."""
    write_json(Path(folder) / _NAME, dict(source=source))


def read_source(folder: str | Path) -> str:
    """What made the maps of a folder; '' where the folder does not say."""
    try:
        content = read_json(Path(folder) / _NAME, 'note on saliency maps')
    except InputError:
        return ''
    source = content.get('source') if isinstance(content, dict) else None
    return source if isinstance(source, str) else ''


def with_source(rules: Mapping[str, Any], dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Label rules that say what made the saliency maps, where they do not and the folder does.

    Args:
        rules: ``pseudo_labels`` of a config.
        dataset: Config of the data set, whose ``data_prefix.saliency_path`` is the folder.
    """
    folder = (dataset.get('data_prefix') or {}).get('saliency_path')
    root = Path(dataset.get('data_root') or '')
    return name_source(rules, read_source(root / folder) if folder else '')


def name_source(rules: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Label rules with a source of their saliency maps, where they have none of their own."""
    rules, cue = dict(rules), rules.get('background_cue')
    if (
        source
        and isinstance(cue, Mapping)
        and not cue.get('source')
        and cue.get('type', 'saliency') == 'saliency'
    ):
        rules['background_cue'] = {**cue, 'source': source}
    return rules
