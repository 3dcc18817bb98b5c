"""A segmentor whose predictions know the image labels."""

from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList, SampleList
from torch import Tensor


@MODELS.register_module()
class ImageLabelEncoderDecoder(EncoderDecoder):
    """``EncoderDecoder`` that shows its decode head the image labels in prediction, too.

    MMSegmentation hands a head the meta information of an image only, and labels are data: the
    field ``img_label`` of a data sample, as ``PackDRSInputs`` packs it. A localization head takes
    them to gate its maps; under the stock ``EncoderDecoder`` it gates them by the classes it
    predicts itself.
    """

    def predict(self, inputs: Tensor, data_samples: OptSampleList = None) -> SampleList:
        """Predictions of images (N, 3, H, W); see the parent."""
        if data_samples is None:
            return super().predict(inputs)
        maps = self.inference(inputs, image_label_metas(data_samples))
        return self.postprocess_result(maps, data_samples)


def image_label_metas(samples: SampleList) -> list[dict]:
    """The meta information of data samples with their ``img_label``, None where there is none."""
    return [dict(sample.metainfo, img_label=sample.get('img_label')) for sample in samples]
