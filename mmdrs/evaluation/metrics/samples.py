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


def predicted_maps(
    sample: dict, record: dict | None
) -> tuple[tuple[int, ...], np.ndarray, tuple[int, int], dict | None]:
    """The arguments of :meth:`.LocalizationMaps.from_floats` for a prediction.

    Its ``seg_logits`` are [background, class 0, ...], (1 + K, H, W). The classes are the image's
    labels, or without labels those with any activation; their maps are float32
    (len(classes), H, W). The size is that at which the image is scored, that of its file unless it
    is cropped.
    """
    maps = sample['seg_logits']['data'][1:]
    labels = image_labels(sample)
    if labels is None:
        labels = tuple(maps.amax(dim=(1, 2)).gt(0).nonzero().flatten().tolist())
    height, width = sample['ori_shape'][:2]
    # The maps of other classes stay on the device.
    values = maps[list(labels)].float().cpu().numpy()
    return labels, values, (int(height), int(width)), map_record(record, sample)


def ground_truth(sample: dict) -> np.ndarray | None:
    """Ground truth (H, W), or None where the image has none."""
    if 'gt_sem_seg' not in sample:
        return None
    return sample['gt_sem_seg']['data'].squeeze(0).cpu().numpy()
