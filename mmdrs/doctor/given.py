"""The lists that a user gave, with the files of their images, under the user's own names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmdrs.datasets.file_checks import FolderIndex
from mmdrs.datasets.listed_dataset import ListedSegDataset
from mmdrs.datasets.wrappers import dataset_class
from mmdrs.errors import InputError
from mmdrs.findings import Finding

#: Keys of the settings that may name the list of a data set, and each kind of its files.
_LISTS = ('train_list', 'val_list', 'eval_list')
_FOLDERS = dict(
    img_path=('image_dir',),
    seg_map_path=('mask_dir', 'eval_mask_dir'),
    saliency_path=('saliency_dir',),
    segments_path=('segments_dir',),
)


#: What to do about missing and wrong files, in the words of the settings.
HINTS = dict(
    img_path='Correct the list, data_root, image_dir or image_suffix.',
    seg_map_path='Masks serve for scoring only: correct their folder, or give none (mask_dir=).',
    saliency_path=(
        'Correct saliency_dir; or give none (saliency_dir=) and a cue that needs none '
        '(pseudo_labels.background_cue.type=power).'
    ),
    segments_path=(
        'Correct segments_dir: each image has a file <id>.json or a folder <id> of PNGs; or give '
        'none (segments_dir=), and no `merge` of the pseudo labels.'
    ),
)


@dataclass(frozen=True)
class Given:
    """The config of a data set, and what the user calls its parts.

    Attributes:
        config: Of a :class:`~mmdrs.datasets.listed_dataset.ListedSegDataset`.
        list_key: The user's key of the list, such as ``train_list``.
        titles: The user's key of each kind of files, by key of ``data_prefix``.
    """

    config: Mapping[str, Any]
    list_key: str
    titles: Mapping[str, str]

    @classmethod
    def of(cls, config: Mapping[str, Any], settings: Mapping[str, Any]) -> 'Given | None':
        """Name the parts after the settings that have their values.

        Parts that no setting names keep the name of the data set. None for a data set of another
        package, which checks itself.
        """
        if not issubclass(dataset_class(config), ListedSegDataset):
            return None
        prefix = config.get('data_prefix') or {}
        titles = {
            key: _key_of(folder, _FOLDERS.get(key, ()), settings) or f'data_prefix.{key}'
            for key, folder in prefix.items()
        }
        listed = config.get('ann_file')
        return cls(config, _key_of(listed, _LISTS, settings) or 'ann_file', titles)

    @property
    def trains(self) -> bool:
        """Whether networks learn from its images."""
        return self.list_key == 'train_list' or not self.config.get('test_mode')


def _key_of(value: Any, keys: Sequence[str], settings: Mapping[str, Any]) -> str | None:
    return next((key for key in keys if value and settings.get(key) == value), None)


@dataclass
class Listed:
    """A list that was read.

    Attributes:
        given: Its config and names.
        dataset: The data set, which has looked at none of the files.
        infos: Its data infos; with ``img_label`` where the list has image-level labels.
        index: Of the folders.
    """

    given: Given
    dataset: ListedSegDataset
    infos: list[dict]
    index: FolderIndex = field(default_factory=FolderIndex)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the foreground classes."""
        return tuple(self.dataset.metainfo['classes'][1:])

    def paths(self, kind: str) -> list[str]:
        """Those of a kind (``img_path``, ...) that are there; none where the kind is not given."""
        paths = (info.get(kind) for info in self.infos)
        return [path for path in paths if path and self.index.exists(path)]


def read_list(given: Given) -> tuple[Listed | None, list[Finding]]:
    """Read a list; where only its labels are wrong, its images are listed all the same."""
    config = dict(given.config, check_files=False, check_sizes=False, pipeline=[])
    kind = dataset_class(config)
    del config['type']
    try:
        return _listed(given, kind(**config)), []
    except InputError as error:
        message, *lines = str(error).splitlines()
        lines = tuple(line.strip() for line in lines)
        found = [Finding('error', given.list_key, message.removesuffix(':'), lines)]
    unlabelled: Any = type(kind.__name__, (kind,), dict(image_labels=False))
    try:
        return _listed(given, unlabelled(**config)), found
    except InputError:
        return None, found


def _listed(given: Given, dataset: ListedSegDataset) -> Listed:
    return Listed(given, dataset, [dataset.get_data_info(i) for i in range(len(dataset))])
