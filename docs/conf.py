"""Settings of Sphinx: `make docs` builds the site from docs/ and the docstrings of the package."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT))

from mmdrs.version import __version__  # noqa: E402

if TYPE_CHECKING:  # tests read this file without Sphinx
    from sphinx.application import Sphinx

#: The address of the repository. Links to files outside docs/ lead there.
REPOSITORY = 'https://github.com/mmdrs/mmdrs'

project = 'mmdrs'
author = 'mmdrs contributors'
copyright = f'{author}. Apache-2.0'
version = release = __version__

extensions = ['myst_nb', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon']
exclude_patterns = ['**/.ipynb_checkpoints']

# --- Markdown and notebooks: the same text on GitHub and here ------------------------------------
myst_heading_anchors = 4  # GitHub gives every heading an anchor
smartquotes = False  # quotes are often those of Python
nb_execution_mode = 'off'  # tests run the notebooks; the site shows the outputs that they hold

# --- API reference -------------------------------------------------------------------------------
autodoc_default_options = {'members': True}
autodoc_member_order = 'bysource'
# Methods that only implement those of MMSegmentation are described there.
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
# Every name that a docstring refers to must exist. These are annotations: classes of other
# packages, whose indexes a build without a network cannot read.
nitpick_ignore_regex = [
    (r'py:.*', r'(torch|numpy|np|mmengine|mmseg|mmcv|collections|pathlib|os|nn)\..*'),
    (r'py:class', r'mmdrs\.apis\.pool\.(Item|Result)'),  # type variables
]

# --- Site ----------------------------------------------------------------------------------------
# The book theme fits pages of prose with a few notebooks: one tree of pages at the left, the
# sections of the page at the right. It is built on the theme of PyTorch and NumPy, and needs no
# file from another host.
html_theme = 'sphinx_book_theme'
html_title = f'mmdrs {release}'
html_theme_options = {
    'repository_url': REPOSITORY,
    'repository_branch': 'main',
    'path_to_docs': 'docs',
    'use_repository_button': True,
    'use_edit_page_button': True,
    'use_issues_button': True,
    'navbar_persistent': [],  # else a second field for searches, above the page
}

# --- `make linkcheck` ----------------------------------------------------------------------------
linkcheck_timeout = 20
linkcheck_workers = 4
linkcheck_ignore = [
    # The address is not final. Links to files of the repository are tested in tests/docs.
    re.escape(REPOSITORY) + '.*',
    # Slow, and it refuses most programs: the servers of PASCAL VOC.
    r'http://host\.robots\.ox\.ac\.uk.*',
]
linkcheck_anchors = False  # GitHub makes its anchors by script


# --- Links out of docs/ --------------------------------------------------------------------------
def link_to_repository(app: 'Sphinx', docname: str, source: list[str]) -> None:
    """Replace relative links to files outside docs/ by their address in the repository.

    Pages link to such files as GitHub needs it, ``[setup](../setup.py)``, in Markdown and in the
    Markdown of notebooks. Pictures stay: Sphinx copies them.
    """
    folder = (DOCS / docname).parent

    def replace(found: re.Match) -> str:
        target, anchor = found['target'], found['anchor'] or ''
        path = (folder / target).resolve()
        if DOCS in (path, *path.parents) or path.suffix in ('.png', '.jpg'):
            return found[0]
        kind = 'tree' if path.is_dir() else 'blob'
        return f']({REPOSITORY}/{kind}/main/{path.relative_to(ROOT).as_posix()}{anchor})'

    source[0] = re.sub(r'\]\((?P<target>\.\./[^)#\s]*)(?P<anchor>#[^)\s]*)?\)', replace, source[0])


def setup(app: 'Sphinx') -> None:
    app.connect('source-read', link_to_repository)
