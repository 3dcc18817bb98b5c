"""What the metrics of localization maps read from MMSegmentation's data samples."""

from pathlib import Path

import numpy as np


def image_id(sample: dict) -> str:
    """The image's id in the list files, else its file name without suffix."""
    return sample.get('img_id') or Path(sample['img_path']).stem


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
    if sample.get('img_label') is not None:
        labels = np.flatnonzero(np.asarray(sample['img_label'])).tolist()
    else:
        labels = maps.amax(dim=(1, 2)).gt(0).nonzero().flatten().tolist()
    # What the image does not hold stays on the device.
    return tuple(labels), maps[labels].float().cpu().numpy()


def ground_truth(sample: dict) -> np.ndarray | None:
    """Ground truth (H, W), or None where the image has none."""
    if 'gt_sem_seg' not in sample:
        return None
    return sample['gt_sem_seg']['data'].squeeze(0).cpu().numpy()


def description(sample: dict) -> dict:
    """What describes the image, without the arrays: little to keep while files are written."""
    return {key: value for key, value in sample.items() if not _holds_data(value)}


def _holds_data(value: object) -> bool:
    return isinstance(value, dict) and 'data' in value
