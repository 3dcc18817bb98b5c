"""Saliency maps by a network that has learned a foreground of any class."""

from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config

from mmdrs.apis.inference import image_batch, init_network
from mmdrs.pseudo_labels.saliency import LEARNED, SaliencyModel
from mmdrs.reading import reading


class LearnedForeground(SaliencyModel):
    """The probability of foreground that a network with a ``ForegroundHead`` gives each pixel.

    Args:
        cfg: Config of the network; images are prepared by its test pipeline.
        checkpoint: File of its weights.
        device: Where it runs.

    Raises:
        InputError: If the checkpoint is missing, refused, or lacks keys of the model.
    """

    source = LEARNED

    def __init__(self, cfg: Config, checkpoint: str, device: str = 'cpu') -> None:
        self._model = init_network(cfg, checkpoint, device)

    def map_of(self, path: Path, image_id: str) -> np.ndarray:
        with reading(path, 'image'):
            batch = image_batch(self._model, path)
        with torch.no_grad():
            (sample,) = self._model.test_step(batch)
        # MMSegmentation has made a probability of the one logit.
        probability = sample.seg_logits.data[0].float()
        return (255 * probability).round().byte().cpu().numpy()
