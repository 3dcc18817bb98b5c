"""What the metrics of localization maps read from MMSegmentation's data samples."""

import numpy as np


def image_labels(sample: dict) -> tuple[int, ...] | None:
    """The foreground classes that an image is labelled with; None without image labels."""
    if sample.get('img_label') is None:
        return None
    return tuple(sample['img_label'].nonzero().flatten().tolist())


def map_record(record: dict | None, sample: dict) -> dict | None:
    """The loop's record with the labels of an image; None where the loop has none."""
    if record is None:
        return None
    labels = image_labels(sample)
    return dict(record, labels=None if labels is None else list(labels))


def predicted_maps(sample: dict) -> tuple[tuple[int, ...], np.ndarray]:
    """Classes and localization maps from ``seg_logits`` [background, class 0, ...], (1 + K, H, W).

    The classes are the image's labels, or without labels those with any activation; their maps are
    float32 (len(classes), H, W).
    """
    maps = sample['seg_logits']['data'][1:]
    labels = image_labels(sample)
    if labels is None:
        labels = tuple(maps.amax(dim=(1, 2)).gt(0).nonzero().flatten().tolist())
    # The maps of other classes stay on the device.
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
