"""The ``mmdrs`` command: what there is, and the module that does each thing.

It lies beside the package, not in it: ``import mmdrs`` imports PyTorch and MMSegmentation, which
takes seconds, and fails where these are not installed as they should be. The list of the commands
and the versions need neither.
"""

import difflib
import importlib
import platform
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

#: Commands in the order in which a user meets them: module, and what it does in one line.
COMMANDS = {
    'init': ('mmdrs.cli.init', 'look at your photographs and write settings for them'),
    'doctor': ('mmdrs.cli.doctor', 'find what is wrong with packages, settings and data'),
    'labels': ('mmdrs.cli.labels', 'write a list of images from labels of any common format'),
    'saliency': ('mmdrs.cli.saliency', 'make the saliency maps of a folder of images'),
    'run': ('mmdrs.cli.run', 'run all stages, from image labels to a segmentation network'),
    'predict': ('mmdrs.cli.predict', 'segment new images with the network of a run'),
    'score': ('mmdrs.cli.score', 'score labels or maps of any method against masks'),
    'merge': ('mmdrs.cli.merge', 'merge masks of SAM or another segmenter into labels'),
    'export': ('mmdrs.cli.export', 'masks as COCO, LabelMe or PNG files; the network as ONNX'),
    'report': ('mmdrs.cli.report', 'write a run as one HTML file: pictures, curves, classes'),
    'leaderboard': ('mmdrs.cli.leaderboard', 'rank runs among published results'),
    'places': ('mmdrs.cli.places', 'list where DRS can go in the backbone of a config'),
}
#: Packages of ``--version``; of several that install one package, those that are there.
PACKAGES = (
    *('mmdrs', 'torch', 'numpy'),
    *('onedl-mmsegmentation', 'onedl-mmcv', 'onedl-mmengine'),
    *('mmsegmentation', 'mmcv', 'mmcv-lite', 'mmengine'),
)
_EXAMPLE = """
examples:
  mmdrs init photos                          settings for your photographs
  mmdrs doctor settings.py                   what is wrong, before a run
  mmdrs run settings.py --work-dir run       all stages
  mmdrs predict run photo.jpg --out masks    segment an image with its network
  mmdrs report run                           look at them
  mmdrs COMMAND --help                       arguments and examples of a command"""


def main(argv: Sequence[str] | None = None) -> None:
    """Run ``mmdrs COMMAND ...``.

    Args:
        argv: The command line without the program; None is that of this process.
    """
    name, *rest = [*(sys.argv[1:] if argv is None else argv)] or ['--help']
    if name in ('-h', '--help', 'help'):
        print(overview())
    elif name in ('-V', '--version'):
        print(versions())
    elif name in COMMANDS:
        sys.argv = [f'mmdrs {name}', *rest]  # argparse prints it
        _command(name)(rest)
    else:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f'did you mean {close[0]!r}? ' if close else ''
        print(f'mmdrs: no command {name!r}; {hint}mmdrs --help lists them', file=sys.stderr)
        sys.exit(2)


def overview() -> str:
    """What ``mmdrs --help`` prints."""
    lines = [f'  {name:<12} {summary}' for name, (_, summary) in COMMANDS.items()]
    return '\n'.join(
        [
            'usage: mmdrs COMMAND ... | --help | --version',
            '',
            'Semantic segmentation from image-level labels, on MMSegmentation.',
            '',
            *lines,
            _EXAMPLE,
        ]
    )


def versions() -> str:
    """Versions of the packages, a line each, as bug reports need them."""
    return '\n'.join(f'{package} {number}' for package, number in found_versions().items())


def found_versions() -> dict[str, str]:
    """Versions of the packages that are installed, and of Python."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {**found, 'python': platform.python_version()}


def _command(name: str) -> Callable[[Sequence[str]], None]:
    try:
        return importlib.import_module(COMMANDS[name][0]).main
    except Exception as error:  # broken packages raise anything
        if name == 'doctor':
            return partial(_bare_doctor, failure=error)
        if not isinstance(error, ImportError):
            raise
        # Both sets of MMSegmentation, or none: the message says what to install.
        sys.exit(f'error: {error}')


def _bare_doctor(argv: Sequence[str], failure: BaseException) -> None:
    """Check the environment where the package cannot be imported.

    An empty package takes its place, so that those of its modules that need nothing can be.
    """
    for name in [name for name in sys.modules if name.partition('.')[0] == 'mmdrs']:
        del sys.modules[name]
    package = ModuleType('mmdrs')
    package.__path__ = [str(Path(__file__).with_name('mmdrs'))]
    sys.modules['mmdrs'] = package
    bare = importlib.import_module('mmdrs.doctor.bare')
    sys.exit(bare.main(argv, failure, found_versions()))


if __name__ == '__main__':
    main()
