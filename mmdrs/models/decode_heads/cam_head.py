"""The classifier's head: its class maps are the class activation maps."""

from mmseg.registry import MODELS
from mmseg.utils import SampleList
from torch import Tensor
from torch.nn import functional as F

from mmdrs.models.decode_heads.localization_head import LocalizationHead
from mmdrs.models.utils.cam import localization_maps


@MODELS.register_module()
class CAMHead(LocalizationHead):
    """Image-level classification by global average pooling of class maps (paper, section 3.1).

    Trained on image-level labels (the field ``img_label`` of the data samples); predicts
    localization maps. Where a prediction is given no labels, the classes the network itself
    predicts are used.
    """

    @staticmethod
    def initial_std(num_classes: int) -> float:
        return (2 / (num_classes - 1)) ** 0.5

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: SampleList) -> dict:
        """Multi-label soft margin loss of the image scores, and the share of right decisions.

        Both in single precision, also under AMP.
        """
        scores = self.image_scores(seg_logits.float())
        labels = self._image_labels(batch_data_samples, scores)
        return dict(
            loss_cls=F.multilabel_soft_margin_loss(scores, labels),
            acc_cls=((scores > 0) == (labels > 0)).float().mean() * 100,
        )

    def maps(self, class_maps: Tensor, size: tuple[int, int], normalize: bool = True) -> Tensor:
        return localization_maps(class_maps, size, normalize)

    def present(self, class_maps: Tensor) -> Tensor:
        return (self.image_scores(class_maps[None])[0] > 0).to(class_maps)

    def image_scores(self, class_maps: Tensor) -> Tensor:
        """Logits (N, K) of raw class maps (N, K, h, w): a subclass may pool in another way."""
        return image_scores(class_maps)


def image_scores(class_maps: Tensor) -> Tensor:
    """Logits (N, K) of raw class maps (N, K, h, w): global average pooling."""
    return class_maps.mean(dim=(2, 3))
