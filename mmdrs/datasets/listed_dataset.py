"""What the data sets of image-level labels and of pseudo labels have in common."""

import logging
import os.path as osp
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, cast

import numpy as np
from mmengine.config import Config
from mmengine.logging import print_log
from mmseg.datasets import BaseSegDataset

from mmdrs.datasets.content_checks import (
    PIXELS,
    file_problems,
    look_at,
    mask_value_problems,
    saliency_value_problems,
)
from mmdrs.datasets.file_checks import FolderIndex
from mmdrs.datasets.image_ids import IMAGE_SUFFIXES, listed_ids, without_suffix
from mmdrs.datasets.label_formats.class_folders import read_class_folders
from mmdrs.datasets.label_lists import (
    ImageLabels,
    read_id_list,
    read_label_list,
)
from mmdrs.datasets.wrappers import name_files_in_errors
from mmdrs.errors import InputError, MissingFileError, first_lines
from mmdrs.findings import Finding, raise_errors
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.output_paths import check_id
from mmdrs.pseudo_labels.palette import voc_palette
from mmdrs.pseudo_labels.segments_file import segments_path

#: Images whose checks take long enough to be announced.
_MANY = 2000
#: Suffix in messages on missing images.
_USUAL = '.jpg'


class ListedSegDataset(BaseSegDataset):
    """Images of a list (or of class folders) with files of the same name in other folders.

    A line of the list may hold labels after the id. Every file is checked before the first is
    loaded. ``metainfo`` must give the classes, ``'background'`` first; the default palette is
    VOC's.

    Args:
        ann_file: List of images; '' with ``class_folders``.
        data_prefix: Folder for each kind of file; ``img_path`` is required, others may be left
            out, None or ''. Subclasses name the keys they know in ``HINTS``.
        metainfo: ``classes``, 'background' first, and optionally ``palette``, and
            ``dataset_name``, which records show.
        class_folders: Read the images from one folder per class below ``img_path``.
        img_suffix: Suffix of the images, or several to be tried in this order; None or '' takes
            every known one in any case. A name of the list that has its suffix is that file.
        saliency_suffix: Suffix of the saliency maps.
        check_files: Check that all files exist, with one listing per folder. Only files of the
            local file system are checked, so not with ``backend_args``.
        check_sizes: Also look into the files: the headers of the images, and size and values
            of masks, labels and saliency maps, and the sizes of masks to merge (ten thousand
            images of VOC with masks and saliency maps take a minute on two cores, once in a
            process).
        skip_broken: Leave out images that cannot be decoded to their end, with a warning: all are
            decoded first, some hundred a second.
        **kwargs: Of :class:`mmseg.datasets.BaseSegDataset`.

    Raises:
        MissingFileError: If the list or files are missing.
        InputError: If ``metainfo``, ``data_prefix``, the list, or sizes are wrong.
    """

    #: What to do about missing or wrong files, for each known key of ``data_prefix``.
    HINTS: ClassVar[dict[str, str]] = {
        'img_path': 'Correct ann_file, data_root, data_prefix.img_path or img_suffix.'
    }
    #: The keys of ``data_prefix`` that must be given.
    REQUIRED: tuple[str, ...] = ('img_path',)

    #: Whether the list holds image-level labels, which the data infos then have as well.
    image_labels = False

    def __init__(
        self,
        ann_file: str = '',
        data_prefix: Mapping[str, str | None] | None = None,
        metainfo: dict | None = None,
        class_folders: bool = False,
        img_suffix: str | Sequence[str] | None = '.jpg',
        saliency_suffix: str = '.png',
        check_files: bool = True,
        check_sizes: bool = True,
        skip_broken: bool = False,
        **kwargs: Any,
    ) -> None:
        if bool(ann_file) == class_folders:
            raise InputError(
                'give either ann_file (the list of images) or class_folders=True, '
                f"got ann_file='{ann_file}', class_folders={class_folders}"
            )
        self.saliency_suffix = saliency_suffix
        self.any_suffix = not img_suffix
        suffixes = img_suffix or IMAGE_SUFFIXES
        suffixes = (suffixes,) if isinstance(suffixes, str) else tuple(suffixes)
        self.check_files = check_files
        self.check_sizes = check_sizes
        self.skip_broken = skip_broken
        super().__init__(
            ann_file=ann_file,
            data_prefix=self._given_prefixes(data_prefix or {}),
            metainfo=metainfo,
            img_suffix=cast(str, suffixes),  # the parent only stores it
            **kwargs,
        )

    def load_data_list(self) -> list[dict]:
        """List the images with their files and check these.

        Returns:
            One dict for each image, with ``img_path``, ``img_id``, the path for each other key of
            ``data_prefix``, ``label_map``, ``reduce_zero_label``, ``seg_fields``, and with
            :attr:`image_labels` also ``img_label``: float32 (num_classes - 1,), 1 for every
            foreground class in the image, else 0.
        """
        index = FolderIndex()
        images = self._read_images()
        ids = listed_ids(images, self.data_prefix['img_path'], self.data_root, self.img_suffix)
        self._check_ids(images, ids)
        data_list = [
            self._data_info(image, name, index) for image, name in zip(images, ids, strict=True)
        ]
        if not self.backend_args:
            if self.skip_broken:
                data_list = self._whole_images(data_list, index)
            self._check(data_list, index)
        return data_list

    def _whole_images(self, data_list: list[dict], index: FolderIndex) -> list[dict]:
        """Leave out the images that cannot be decoded; those that are not there stay."""
        there = [info['img_path'] for info in data_list if index.exists(info['img_path'])]
        found = zip(there, look_at(there, PIXELS), strict=True)
        broken = {path: fault for path, fault in found if isinstance(fault, str)}
        if len(broken) == len(data_list):
            first = next(iter(broken.values()))
            raise InputError(f'{self.ann_file}: no image can be decoded: {first}')
        if broken:
            print_log(
                f'{len(broken)} of {len(data_list)} images cannot be decoded and are left out:\n'
                f'{first_lines([*broken.values()])}',
                logger='current',
                level=logging.WARNING,
            )
        return [info for info in data_list if info['img_path'] not in broken]

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on an image; its data samples know the ``img_id``, whoever packed them.

        Stock transforms leave it out, and results of images in different folders would meet.

        Raises:
            InputError: If it fails; names the file that is damaged, or the image.
        """
        name_files_in_errors(self)
        info = self.get_data_info(idx)
        name, output = info['img_id'], self.pipeline(info)
        samples = output.get('data_samples', []) if isinstance(output, dict) else []
        for sample in samples if isinstance(samples, list) else [samples]:
            sample.set_metainfo(dict(img_id=name))
        return output

    def _read_images(self) -> list[ImageLabels]:
        foreground = self._metainfo['classes'][1:]
        if not self.ann_file:
            return read_class_folders(self.data_prefix['img_path'], foreground, self.img_suffix)
        if self.image_labels:
            return read_label_list(self.ann_file, foreground)
        return read_id_list(self.ann_file)

    def _check_ids(self, images: Sequence[ImageLabels], ids: Sequence[str]) -> None:
        """The id of an image names its mask and all results: each must be another file."""
        seen: dict[str, str] = {}
        for image, name in zip(images, ids, strict=True):
            try:
                check_id(name)
            except InputError as error:
                raise InputError(f'{self.ann_file}: {error}') from error
            if name in seen:
                raise InputError(
                    f"{self.ann_file}: '{seen[name]}' and '{image.id}' have one id, '{name}', so "
                    'that they would share masks and results; rename one of them'
                )
            seen[name] = image.id

    def _data_info(self, image: ImageLabels, name: str, index: FolderIndex) -> dict:
        suffixes = {
            'seg_map_path': self.seg_map_suffix,
            'saliency_path': self.saliency_suffix,
            'map_path': '.npz',
        }
        info: dict[str, Any] = {
            key: osp.join(folder, name + suffixes[key])
            for key, folder in self.data_prefix.items()
            if key in suffixes
        }
        if 'segments_path' in self.data_prefix:
            folder = self.data_prefix['segments_path']
            info['segments_path'] = segments_path(folder, name, index.exists)
        info |= {
            'img_path': self._image_path(image.path or image.id, index),
            'img_id': name,
            'label_map': self.label_map,
            'reduce_zero_label': self.reduce_zero_label,
            'seg_fields': [],
        }
        if self.image_labels:
            classes = range(len(self._metainfo['classes']) - 1)
            info['img_label'] = np.isin(classes, image.labels).astype(np.float32)
        return info

    def _image_path(self, listed: str, index: FolderIndex) -> str:
        """The image as listed, or with the first suffix that exists.

        Raises:
            InputError: If every suffix is allowed, and several files have the name.
        """
        stem = without_suffix(listed, self.img_suffix)
        if self.any_suffix:
            path = osp.join(self.data_prefix['img_path'], listed)
            if stem != listed and (self.backend_args or index.exists(path)):
                return path
            found = index.images(osp.join(self.data_prefix['img_path'], stem))
            if len(found) > 1:
                raise InputError(
                    f"{self.ann_file}: '{listed}' may be {' or '.join(found)}; write the ending "
                    'in the list, or give img_suffix (image_suffix of the settings)'
                )
            return found[0] if found else path if stem != listed else f'{path}{_USUAL}'
        own = [listed] if stem != listed else []
        names = [*own, *(stem + suffix for suffix in self.img_suffix)]
        paths = [osp.join(self.data_prefix['img_path'], name) for name in names]
        if len(self.img_suffix) == 1 and len(set(paths)) == 1:  # needs no listing of the folder
            return paths[0]
        return next((path for path in paths if index.exists(path)), paths[0])

    def _check(self, data_list: list[dict], index: FolderIndex) -> None:
        if self.check_sizes and len(data_list) >= _MANY:
            print_log(f'looking into the files of {len(data_list)} images', logger='current')
        titles = {key: f'data_prefix.{key}' for key in self.data_prefix}
        known = index if self.check_files else None
        missing, wrong = self.file_problems(data_list, titles, known, self.check_sizes)
        raise_errors(missing + wrong, MissingFileError if missing else InputError)

    def file_problems(
        self,
        data_list: Sequence[Mapping[str, Any]],
        titles: Mapping[str, str],
        index: FolderIndex | None,
        contents: bool = True,
        hints: Mapping[str, str] | None = None,
    ) -> tuple[list[Finding], list[Finding]]:
        """Say what is wrong with the files of some images.

        Args:
            data_list: Data infos of :meth:`load_data_list`.
            titles: What the findings call the folder of each key of ``data_prefix``.
            hints: What to do, by key of ``data_prefix``; None: in the words of this class.
            index, contents: As in :func:`~mmdrs.datasets.content_checks.file_problems`.
        """
        files = {key: [info[key] for info in data_list] for key in self.data_prefix}
        num_values = len(self._metainfo['classes']) + bool(self.reduce_zero_label)
        judges = dict(
            seg_map_path=partial(
                mask_value_problems, num_values=num_values, scored=self.test_mode
            ),
            saliency_path=saliency_value_problems,
            segments_path=None,
        )
        hints = {key: (hints or self.HINTS)[key] for key in files}
        return file_problems(files, titles, hints, judges, index, contents)

    def _given_prefixes(self, data_prefix: Mapping[str, str | None]) -> dict[str, str]:
        """Drop the optional keys without a folder, refuse unknown and missing ones."""
        for key in data_prefix:
            if key not in self.HINTS:
                raise InputError(
                    f"{type(self).__name__}: unknown key '{key}' in data_prefix; "
                    f'known: {", ".join(self.HINTS)}'
                )
        for key in self.REQUIRED:
            if data_prefix.get(key) is None:
                raise InputError(f'{type(self).__name__}: data_prefix.{key} is required')
        return {k: v or '' for k, v in data_prefix.items() if v or k in self.REQUIRED}

    @classmethod
    def _load_metainfo(cls, metainfo: Mapping | Config | None = None) -> dict:
        """Also check the classes and add the palette.

        The classes of a subclass with ``METAINFO`` are fixed. Otherwise ground truth that numbers
        all classes could meet pseudo labels that number a subset, and nobody would notice.
        """
        given = dict(metainfo or {})
        name = given.pop('dataset_name', None)  # MMEngine would look for a file of this name
        loaded = super()._load_metainfo(given)
        if name is not None:
            loaded['dataset_name'] = name
        loaded['classes'] = classes = _checked_classes(cls.__name__, loaded.get('classes'))
        if tuple(cls.METAINFO.get('classes', classes)) != classes:
            raise InputError(
                f'{cls.__name__}: its classes are fixed; for other classes use '
                f'{cls.__mro__[1].__name__} with metainfo and a list of your own'
            )
        loaded.setdefault('palette', voc_palette(len(classes)))
        return loaded


def _checked_classes(dataset: str, classes: Sequence[str] | None) -> tuple[str, ...]:
    example = "e.g. metainfo=dict(classes=('background', 'cat', 'dog'))"
    where = f'{dataset}: metainfo.classes'
    if classes is None or isinstance(classes, str):
        raise InputError(f'{where} must name the classes, {example}')
    classes = tuple(classes)
    if classes[:1] != ('background',):
        first = f"'{classes[0]}'" if classes else 'nothing'
        raise InputError(f"{where} must start with 'background', not {first}; {example}")
    if len(classes) < 2 or len(set(classes)) != len(classes):
        raise InputError(
            f'{where} needs one or more different names after background, got {classes}'
        )
    if len(classes) > IGNORE_LABEL:
        raise InputError(
            f'{where} names {len(classes) - 1} classes after background, but labels are 8 bit and '
            f'{IGNORE_LABEL} is "ignored": at most {IGNORE_LABEL - 1} fit'
        )
    return classes
