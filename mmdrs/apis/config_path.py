"""Names of packaged configs."""

import os

from mmdrs.compat import CONFIG_PACKAGES, packaged_config


def config_path(name: str | os.PathLike) -> str:
    """Return the path of a config: ``mmdrs::...`` and ``mmseg::...`` are resolved to files.

    Args:
        name: ``'mmdrs::custom/plain-classifier_custom.py'``, ``'mmseg::...'`` for a config of
            MMSegmentation, or a path.

    Returns:
        The absolute path of a packaged config, in an installed wheel or in a clone; any other
        name as it is, whether it exists or not.

    Raises:
        MissingFileError: If the package has no such config; names configs with close names.
    """
    name = os.fspath(name)
    package, separator, _ = name.partition('::')
    return packaged_config(name) if separator and package in CONFIG_PACKAGES else name
