"""Names of folders that data sets of many kinds have in common."""

from pathlib import PurePosixPath

_TRAIN = ('train', 'training')
_VAL = ('val', 'valid', 'validation')
_TEST = ('test', 'testing')
_IMAGES = ('images', 'image', 'imgs', 'img', 'jpegimages', 'photos', 'data', 'obj_train_data')
#: Folders of masks, best first.
MASKS = ('segmentationclass', 'segmentationclassaug', 'masks', 'mask', 'gt', 'segmentation')
#: Folders of saliency maps.
SALIENCY = ('saliency_map', 'saliency_maps', 'saliency', 'sal')
_OTHERS = ('annotations', 'labels', 'imagesets', 'segmentationobject', 'ann', 'lists')


def is_split(folder: str) -> bool:
    """Whether a folder is that of a part of the data: training, validation, test."""
    return folder.lower() in (*_TRAIN, *_VAL, *_TEST)


def is_image_folder(folder: str) -> bool:
    """Whether a folder is that of the images of all classes."""
    return folder.lower() in _IMAGES


def is_data_folder(folder: str) -> bool:
    """Whether a folder is that of a kind of files, and so no class."""
    other = folder.lower() in (*MASKS, *SALIENCY, *_OTHERS)
    return is_split(folder) or is_image_folder(folder) or other


def is_no_image(path: str) -> bool:
    """Whether a picture is a mask or a saliency map by the names of its folders."""
    return any(part.lower() in (*MASKS, *SALIENCY, *_OTHERS) for part in _folders(path))


def split_of(path: str) -> str:
    """``train``, ``val`` or ``test`` by the folders of a path; '' where they do not say it."""
    for part in _folders(path):
        for name, words in (('train', _TRAIN), ('val', _VAL), ('test', _TEST)):
            if part.lower() in words:
                return name
    return ''


def _folders(path: str) -> tuple[str, ...]:
    return PurePosixPath(path).parts[:-1]
