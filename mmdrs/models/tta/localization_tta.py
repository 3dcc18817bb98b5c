"""Multi-scale localization maps."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, cast, get_args

from mmengine.model import BaseModel
from mmengine.structures import PixelData
from mmseg.models.segmentors import EncoderDecoder, SegTTAModel
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import SampleList
from torch import Tensor
from torch.nn import functional as F

from mmdrs.errors import InputError
from mmdrs.models.segmentors import image_label_metas
from mmdrs.models.tta.cam_method import CamMethod
from mmdrs.models.utils.cam import merge_scales, normalize_maps, resize_maps, sum_scales

#: How the maps of several views become one.
Merge = Literal['max', 'sum', 'mean']
_FLIPPED = dict(horizontal=(2,), vertical=(1,), diagonal=(1, 2))


@MODELS.register_module()
class LocalizationTTA(SegTTAModel):
    """Merges the maps of all views of an image: its scales, their mirror images, augmentations.

    The parent averages softmax values and keeps the last augmentation's ``seg_logits``; here
    ``seg_logits`` holds the merged maps, and ``pred_sem_seg`` their argmax at ``ori_shape``.

    The scales are made from the normalised image tensor, as in the released code: an image is
    decoded, resized and normalised once, and no scale is rounded to 8 bit. Other augmentations
    belong into the config's ``tta_pipeline`` as usual. A network that is tested by sliding
    windows slides them over each scale.

    Args:
        module: The segmentor, with a localization head.
        scales: Whole numbers are sides of square inputs (reference: 256, 320, 384), floats are
            factors of the input's size (IRN: 1.0, 0.5, 1.5, 2.0); none keeps the input.
        size: Height and width of the maps; None is the ``ori_shape`` of each image.
        flip: The horizontal mirror image of each scale is a view, too.
        merge: ``'max'``, the element-wise maximum of the normalised maps (DRS); ``'sum'``, the
            sum of the rectified maps, divided by the maximum of each class (Ahn et al., IRN, CVPR
            2019, and its successors); ``'mean'``, the mean of the normalised maps.
        method: A method of pytorch-grad-cam, such as ``'GradCAM'``, that makes the maps of a
            classifier in place of its class activation maps, see :class:`.CamMethod`.

    Raises:
        InputError: For another ``merge``, a scale that is no positive number, or a method that
            cannot be used.
    """

    def __init__(
        self,
        module: dict | BaseModel,
        scales: Sequence[int | float] | None = (),
        size: tuple[int, int] | None = None,
        *,
        flip: bool = False,
        merge: Merge = 'max',
        method: str | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(module=module)
        if merge not in get_args(Merge):
            raise InputError(f'merge of maps must be one of {get_args(Merge)}, got {merge!r}')
        self.scales = tuple(scales or ())
        if not all(isinstance(scale, int | float) and scale > 0 for scale in self.scales):
            raise InputError(f'scales of maps must be positive numbers, got {self.scales}')
        self.size = (int(size[0]), int(size[1])) if size else None
        self.flip = flip
        self.merge: Merge = merge
        self.method = CamMethod(self.segmentor, method) if method else None

    @property
    def segmentor(self) -> EncoderDecoder:
        """The network that makes the maps."""
        return cast(EncoderDecoder, self.module)

    def test_step(self, data: Any) -> list[Any]:
        """Predict every view, and merge.

        Args:
            data: ``inputs`` and ``data_samples`` of a batch, or of lists over the augmentations,
                as ``TestTimeAug`` gives them.
        """
        inputs, views = data['inputs'], [data]
        if not isinstance(inputs[0], Tensor):
            views = [{k: values[i] for k, values in data.items()} for i in range(len(inputs))]
        return list(self.merge_preds(list(zip(*map(self._predict, views), strict=True))))

    def merge_preds(self, data_samples_list: list[SampleList]) -> SampleList:
        """Merge; one inner list holds the augmented predictions of one image."""
        merged = []
        for samples in data_samples_list:
            maps = self.merged([sample.seg_logits.get('data') for sample in samples])
            set_maps(samples[0], self.finished(maps, len(samples)))
            merged.append(samples[0])
        return merged

    def merged(self, maps: Sequence[Tensor]) -> Tensor:
        """The maps of several views as one, before :meth:`finished`."""
        return merge_scales(maps) if self.merge == 'max' else sum_scales(maps)

    def finished(self, maps: Tensor, augmentations: int) -> Tensor:
        """Merged maps (1 + K, h, w), as they are predicted.

        ``augmentations`` is the number of views that ``TestTimeAug`` made.
        """
        if self.merge == 'max':
            return maps
        mean = maps / (augmentations * max(len(self.scales), 1) * (1 + self.flip))
        if self.merge == 'sum':  # the background is a constant, which has no maximum
            mean[1:] = normalize_maps(maps[None, 1:])[0]
        return mean

    def _predict(self, data: dict) -> SampleList:
        """The predictions of one batch, merged over scales and mirror images."""
        data = self.segmentor.data_preprocessor(data, training=False)
        images, samples = data['inputs'], data['data_samples']  # normalised, (N, 3, H, W)
        sizes = [self.size or _original_size(sample) for sample in samples]
        # Straight to the size of the maps, as in the reference, where it is one for all.
        padded = any(any(padding(sample)) for sample in samples)
        direct = not padded and len(set(sizes)) == 1
        height, width = sizes[0] if direct else images.shape[2:]
        shape = height, width
        metas = [
            dict(meta, output_shape=shape, normalize=self.merge != 'sum')
            for meta in image_label_metas(samples)
        ]
        merged = None
        for inputs, flipped in self._inputs(images):
            maps = resize_maps(self._inference(inputs, metas), shape)
            maps = maps.flip(3) if flipped else maps
            merged = maps if merged is None else self.merged([merged, maps])
        for sample, maps, size in zip(samples, cast(Tensor, merged), sizes, strict=True):
            set_maps(sample, resize_maps(_upright(maps, sample)[None], size)[0])
        return samples

    def _inputs(self, images: Tensor) -> Iterator[tuple[Tensor, bool]]:
        """The inputs of all views, and whether they are mirrored."""
        for scale in self.scales or [1.0]:
            sides = scaled_size(images.shape[2:], scale)
            inputs = images
            if sides != tuple(images.shape[2:]):
                inputs = F.interpolate(images, sides, mode='bilinear')
            yield inputs, False
            if self.flip:
                yield inputs.flip(3), True

    def _inference(self, inputs: Tensor, metas: list[dict]) -> Tensor:
        """Maps (N, 1 + K, *output_shape), or where windows slide, of the inputs' size."""
        if self.method is not None:
            return self.method.maps(inputs, metas)
        if (self.segmentor.test_cfg or {}).get('mode') == 'slide':
            return self.segmentor.slide_inference(inputs, metas)
        return self.segmentor.whole_inference(inputs, metas)


def _original_size(sample: SegDataSample) -> tuple[int, int]:
    height, width = sample.get('ori_shape')[:2]
    return int(height), int(width)


def scaled_size(size: Sequence[int], scale: int | float) -> tuple[int, int]:
    """Height and width of a scale: a whole number is the side of a square, a float a factor."""
    if isinstance(scale, int):
        return scale, scale
    height, width = size
    return max(round(height * scale), 1), max(round(width * scale), 1)


def set_maps(sample: SegDataSample, maps: Tensor) -> None:
    """Make maps the prediction of an image.

    Args:
        sample: Of the image; ``pred_sem_seg`` gets the size of its ``ori_shape``.
        maps: [background, class 0, ...], (1 + K, h, w).
    """
    size = tuple(sample.get('ori_shape', maps.shape[1:])[:2])
    there = maps.amax(dim=(1, 2)) > 0  # one or two of the classes
    there[0] = True
    classes = there.nonzero().flatten()
    label = classes[resize_maps(maps[there][None], size)[0].argmax(dim=0, keepdim=True)]
    sample.set_data(dict(seg_logits=PixelData(data=maps), pred_sem_seg=PixelData(data=label)))


def padding(sample: SegDataSample) -> Sequence[int]:
    """Pixels that the preprocessor put at the left, right, top and bottom."""
    return sample.get('img_padding_size', sample.get('padding_size', (0, 0, 0, 0)))


def _upright(maps: Tensor, sample: SegDataSample) -> Tensor:
    """The maps (1 + K, h, w) of an image without its padding and its flip."""
    left, right, top, bottom = padding(sample)
    maps = maps[:, top : maps.shape[1] - bottom, left : maps.shape[2] - right]
    return maps.flip(_FLIPPED[sample.get('flip_direction')]) if sample.get('flip') else maps
