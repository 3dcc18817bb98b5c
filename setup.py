"""Packaging of mmdrs. Settings of the tools are in pyproject.toml."""

import os
import posixpath
import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
#: Where the source code is: the only place of the packaging that names it.
PROJECT_URL = 'https://github.com/mmdrs/mmdrs'
PICTURES = ('.gif', '.jpeg', '.jpg', '.png', '.svg', '.webp')
#: Code, which stays as it is, or the target of a link: in Markdown, a reference, or HTML.
CODE_OR_LINK = re.compile(
    r'^```.*?^```|`[^`\n]+`|'
    r'(?P<start>\]\(|^\[[^\]\n]+\]: +|\b(?:src|href)=")(?P<target>[^\s)"]+)',
    re.DOTALL | re.MULTILINE,
)
MIM_PARTS = ('tools', 'configs', 'model-index.yml')


def read_requirements(*names: str) -> list[str]:
    """Return the requirements of ``requirements/<name>.txt`` files, without comments."""
    lines = [
        line.split('#')[0].strip()
        for name in names
        for line in (ROOT / 'requirements' / f'{name}.txt')
        .read_text(encoding='utf-8')
        .splitlines()
    ]
    return [line for line in lines if line]


def read_version() -> str:
    """Return the version without importing the package, whose requirements may be missing."""
    text = (ROOT / 'mmdrs' / 'version.py').read_text(encoding='utf-8')
    return re.search(r"__version__ = '([^']+)'", text)[1]


def absolute_links(text: str, version: str) -> str:
    """Return a Markdown text whose relative links are addresses, as the page of a registry needs.

    Args:
        text: a text of the root folder, such as README.md.
        version: the version whose files the links lead to; its tag is ``v<version>``.
    """
    raw = PROJECT_URL.replace('//github.com/', '//raw.githubusercontent.com/')

    def absolute(found: re.Match) -> str:
        start, target = found['start'], found['target']
        if target is None or re.match(r'[a-z][a-z0-9+.-]*:|//', target, re.IGNORECASE):
            return found[0]
        path, mark, anchor = target.partition('#')
        path = posixpath.normpath(path or 'README.md')
        picture = path.lower().endswith(PICTURES)
        base = f'{raw}/v{version}' if picture else f'{PROJECT_URL}/blob/v{version}'
        return f'{start}{base}/{path}{mark}{anchor}'

    return CODE_OR_LINK.sub(absolute, text)


def add_mim_folder(folder: Path, link: bool) -> None:
    """Fill ``mmdrs/.mim``, where ``mim`` looks for the tools and configs of a package.

    Each part is made under another name and renamed, so that none is ever half there.

    Args:
        folder: the ``.mim`` folder.
        link: make symbolic links (an editable installation), not copies (a wheel).
    """
    folder.mkdir(parents=True, exist_ok=True)
    for part in MIM_PARTS:
        source, target, temporary = ROOT / part, folder / part, folder / f'{part}.tmp'
        if not source.exists():
            raise FileNotFoundError(f'{source} is missing: the source tree is incomplete')
        remove(temporary)
        if link:
            temporary.symlink_to(os.path.relpath(source.resolve(), folder.resolve()))
        elif source.is_dir():
            shutil.copytree(source, temporary, ignore=shutil.ignore_patterns('__pycache__'))
        else:
            shutil.copyfile(source, temporary)
        remove(target)
        temporary.rename(target)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class BuildWithMim(build_py):
    """Add ``mmdrs/.mim``. Both a wheel and an editable installation run this command."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            add_mim_folder(ROOT / 'mmdrs' / '.mim', link=True)
        else:
            add_mim_folder(Path(self.build_lib) / 'mmdrs' / '.mim', link=False)


VERSION = read_version()

setup(
    name='mmdrs',
    version=VERSION,
    description='Weakly-supervised semantic segmentation by Discriminative Region Suppression',
    long_description=absolute_links((ROOT / 'README.md').read_text(encoding='utf-8'), VERSION),
    long_description_content_type='text/markdown',
    author='mmdrs contributors',
    project_urls={
        'Homepage': PROJECT_URL,
        'Documentation': f'{PROJECT_URL}/tree/main/docs',
        'Source': PROJECT_URL,
        'Changelog': f'{PROJECT_URL}/blob/main/CHANGELOG.md',
        'Issues': f'{PROJECT_URL}/issues',
    },
    license_expression='Apache-2.0',
    license_files=['LICENSE'],
    keywords='computer vision, semantic segmentation, weak supervision, MMSegmentation',
    classifiers=[
        'Development Status :: 4 - Beta',
        'Environment :: Console',
        'Intended Audience :: Developers',
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3 :: Only',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
        'Topic :: Scientific/Engineering :: Image Recognition',
        'Typing :: Typed',
    ],
    packages=find_packages(include=['mmdrs', 'mmdrs.*']),
    py_modules=['mmdrs_command'],
    entry_points={'console_scripts': ['mmdrs = mmdrs_command:main']},
    # Stating the default makes an editable installation a path in a .pth file. Setuptools' import
    # hook, its other way, comes too late in the parent folder of a clone: there the clone itself
    # is found first, as an empty namespace package.
    package_dir={'': '.'},
    package_data={'': ['*.css', '*.html', '*.j2', '*.js', '*.mplstyle', '*.yml', 'py.typed']},
    python_requires='>=3.10,<3.13',
    install_requires=read_requirements('runtime'),
    extras_require={
        'onedl': read_requirements('onedl'),
        'openmmlab': read_requirements('openmmlab'),
        'mim': read_requirements('mminstall'),
        'crf': read_requirements('crf'),
        'saliency': read_requirements('saliency'),
        'cam': read_requirements('cam'),
        'onnx': read_requirements('onnx'),
        'docs': read_requirements('docs'),
        'tests': read_requirements('tests'),
        'dev': read_requirements('tests', 'dev', 'types'),
    },
    cmdclass={'build_py': BuildWithMim},
    zip_safe=False,
)
