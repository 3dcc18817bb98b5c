"""What the metrics of localization maps read from MMSegmentation's data samples."""

from pathlib import Path

import numpy as np


def image_id(sample: dict) -> str:
    """The image's id in the list files, else its file name without suffix."""
    return sample.get('img_id') or Path(sample['img_path']).stem


def image_labels(sample: dict) -> tuple[int, ...] | None:
    """The foreground classes that an image is labelled with; None without image labels."""
    if sample.get('img_label') is None:
        return None
    return tuple(sample['img_label'].nonzero().flatten().tolist())


def map_record(record: dict | None, sample: dict) -> dict | None:
    """What the maps of an image are made of: what holds for all, and its image labels.

    Args:
        record: Of the loop; None where it says nothing.
        sample: The image's data sample.
    """
    if record is None:
        return None
    labels = image_labels(sample)
    return dict(record, labels=None if labels is None else list(labels))


def predicted_maps(sample: dict) -> tuple[tuple[int, ...], np.ndarray]:
    """Classes and localization maps of a prediction.

    Args:
        sample: With ``seg_logits``: [background, class 0, ...], (1 + K, H, W), as predicted by a
            localization head.

    Returns:
        The foreground classes of the image (its labels; without labels what the head left on) and
        their maps, float32 (len(classes), H, W).
    """
    maps = sample['seg_logits']['data'][1:]
    labels = image_labels(sample)
    if labels is None:
        labels = tuple(maps.amax(dim=(1, 2)).gt(0).nonzero().flatten().tolist())
    # What the image does not hold stays on the device.
    return labels, maps[list(labels)].float().cpu().numpy()


def ground_truth(sample: dict) -> np.ndarray | None:
    """Ground truth (H, W), or None where the image has none."""
    if 'gt_sem_seg' not in sample:
        return None
    return sample['gt_sem_seg']['data'].squeeze(0).cpu().numpy()


def image_size(sample: dict) -> tuple[int, int]:
    """Height and width at which an image is scored: those of its file, unless it is cropped."""
    height, width = sample['ori_shape'][:2]
    return int(height), int(width)
