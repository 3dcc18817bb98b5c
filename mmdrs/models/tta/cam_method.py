"""Localization maps by a method of pytorch-grad-cam in place of class activation maps."""

import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from importlib.metadata import version
from io import StringIO
from typing import Any

import numpy as np
import torch
from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor, nn

from mmdrs.errors import InputError, blamed_on, check_keys, did_you_mean
from mmdrs.models.decode_heads.cam_head import CAMHead

#: The module whose output the 1 x 1 convolution of a :class:`.CAMHead` takes.
LAST_FEATURES = 'decode_head.convs'
#: Methods that put another one together; `FinerCAM`, the third, is Grad-CAM for a given class.
_COMPOSED = ('RefineCAM', 'SESS')
#: It takes the n-th bias with the n-th gradient, but layers are not defined in the order in which
#: they run: in a decode head the 1 x 1 convolution is the first that is defined.
_WRONG = ('FullGrad',)
#: Arguments of the library's classes that are given here.
_TAKEN = ('model', 'target_layers', 'reshape_transform')


class ImageScores(nn.Module):
    """A classifier as pytorch-grad-cam takes it.

    Args:
        segmentor: With a :class:`.CAMHead`.
    """

    def __init__(self, segmentor: EncoderDecoder) -> None:
        super().__init__()
        self.segmentor = segmentor

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, K) of normalised images (N, 3, H, W)."""
        return self.segmentor.decode_head.image_scores(self.segmentor(images))


class CamMethod:
    """Makes maps of a trained classifier with a method of pytorch-grad-cam.

    The library (https://github.com/jacobgil/pytorch-grad-cam) explains the logit of each class
    that an image holds. Its map of one class is rectified, stretched to 0..1 and resized to the
    input; then it is treated as a class activation map is.

    Args:
        segmentor: The classifier, with a :class:`.CAMHead`.
        config: Name of a method (``'GradCAM'``), or ``type`` with ``layer``, the path of a module
            or several whose maps are averaged (default: the last features before the 1 x 1
            convolution, where Grad-CAM is CAM without the bias of the class); ``eigen_smooth``,
            the library's smoothing by the first principal component; and arguments of the method,
            such as ``dict(type='AblationCAM', ratio_channels_to_ablate=0.1)``.

    Raises:
        InputError: If the library is not installed, or has no such method or argument; if the
            network has no such module, is no classifier, or slides windows.
    """

    def __init__(self, segmentor: EncoderDecoder, config: str | Mapping[str, Any]) -> None:
        given = {'type': config} if isinstance(config, str) else config
        methods = cam_methods()
        self.name = str(given.get('type') if isinstance(given, Mapping) else given)
        if self.name not in methods:
            hint = did_you_mean(self.name, methods)
            raise InputError(
                f'pytorch-grad-cam has no method {self.name!r}, only {", ".join(methods)}{hint}'
            )
        self._kind = methods[self.name]
        options = _options(self._kind)
        check_keys(f'method {self.name}', given, ['type', 'layer', 'eigen_smooth', *options])
        _check_classifier(segmentor, self.name)
        self._segmentor = segmentor
        self._layers = _module_names(segmentor, given.get('layer'))
        self._eigen_smooth = bool(given.get('eigen_smooth', False))
        self._options = {name: given[name] for name in options if name in given}

    @property
    def record(self) -> dict[str, Any]:
        """What the maps depend on, JSON values only."""
        smooth = dict(eigen_smooth=True) if self._eigen_smooth else {}
        found = dict(
            type=self.name,
            layer=self._layers,
            library=f'grad-cam {version("grad-cam")}',
            **smooth,
            **self._options,
        )
        return json.loads(json.dumps(found))

    def maps(self, images: Tensor, metas: list[dict]) -> Tensor:
        """[background, localization map of class 0, ...] (N, 1 + K, H', W').

        Args:
            images: Normalised, (N, 3, H, W).
            metas: As for the decode head's ``predict``, with ``img_label`` where it is known, and
                ``output_shape``, the size of the maps.
        """
        head = self._segmentor.decode_head
        shape = len(images), head.num_classes - 1
        class_maps = images.new_zeros(*shape, 1, 1)
        if any(meta.get('img_label') is None for meta in metas):
            class_maps = self._segmentor(images)
        pairs = head.gate(class_maps, metas).nonzero()
        maps = images.new_zeros(*shape, *images.shape[2:])
        maps[tuple(pairs.T)] = self._library_maps(images, pairs)
        return head.predict_by_feat(maps, metas)

    def _library_maps(self, images: Tensor, pairs: Tensor) -> Tensor:
        """Maps (M, H, W) of the pairs (M, 2) of an image's number and its class."""
        if not len(pairs):
            return images.new_zeros(0, *images.shape[2:])
        layers = [self._segmentor.get_submodule(name) for name in self._layers]
        with blamed_on(f'method {self.name} at {", ".join(self._layers)}'):
            cam = self._kind(ImageScores(self._segmentor), layers, **self._options)
            gradients = getattr(cam, 'uses_gradients', True)
            # Methods without gradients hold a masked image for each channel.
            parts = pairs.split(len(images) if gradients else 1)
            # The library draws a bar for each image.
            with _copies(layers), redirect_stderr(StringIO()), torch.set_grad_enabled(gradients):
                made = [self._explained(cam, images, part, gradients) for part in parts]
        return torch.from_numpy(np.concatenate(made)).to(images)

    def _explained(
        self, cam: Callable[..., np.ndarray], images: Tensor, pairs: Tensor, gradients: bool
    ) -> np.ndarray:
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        # Without this there is no graph where all layers before the target are frozen.
        inputs = images[pairs[:, 0]].detach().requires_grad_(gradients)
        targets = [ClassifierOutputTarget(index) for index in pairs[:, 1].tolist()]
        return cam(inputs, targets, eigen_smooth=self._eigen_smooth)


def cam_methods() -> dict[str, type]:
    """The methods of the installed pytorch-grad-cam by name, in alphabetical order.

    Raises:
        InputError: If it is not installed, or cannot be imported.
    """
    try:
        import pytorch_grad_cam
        from pytorch_grad_cam.base_cam import BaseCAM
    except (ImportError, RuntimeError) as error:  # the latter of a torchvision of another PyTorch
        raise InputError(
            f"pytorch-grad-cam cannot be imported ({error}): pip install 'mmdrs[cam]'; it needs "
            'the torchvision that belongs to the installed PyTorch'
        ) from error
    kinds = {name: kind for name, kind in vars(pytorch_grad_cam).items() if isinstance(kind, type)}
    single = {name for name, kind in kinds.items() if issubclass(kind, BaseCAM)}
    offered = (single | {*_COMPOSED}) - {*_WRONG, 'BaseCAM'}
    return {name: kinds[name] for name in sorted(offered & kinds.keys())}


def _options(kind: type) -> list[str]:
    """Arguments of a method that a config can give."""
    plain = (bool, int, float, str, type(None))
    return [
        name
        for name, parameter in inspect.signature(kind).parameters.items()
        if name not in _TAKEN and isinstance(parameter.default, plain)
    ]


def _check_classifier(segmentor: EncoderDecoder, name: str) -> None:
    head = getattr(segmentor, 'decode_head', None)
    if not isinstance(head, CAMHead):
        raise InputError(
            f'method {name}: maps of CAM methods are made of a classifier, whose decode_head is a '
            f'CAMHead; this one is a {type(head).__name__}'
        )
    if (segmentor.test_cfg or {}).get('mode') == 'slide':
        raise InputError(
            f'method {name}: maps of CAM methods are made of whole images; set '
            "model.test_cfg=dict(mode='whole')"
        )


def _module_names(segmentor: EncoderDecoder, given: str | Sequence[str] | None) -> tuple[str, ...]:
    """The paths of the target layers."""
    names = (given,) if isinstance(given, str) else tuple(given or (LAST_FEATURES,))
    known = [name for name, _ in segmentor.named_modules() if name]
    for name in names:
        if name not in known:
            raise InputError(
                f'the network has no layer {name!r}{did_you_mean(str(name), known)}; give the '
                f'path of a module, such as {LAST_FEATURES!r}'
            )
    return names


@contextmanager
def _copies(layers: Sequence[nn.Module]) -> Iterator[None]:
    """Let what comes after the layers work on a copy of their output.

    The hooks of the library keep the output, and a ReLU after the layer may overwrite it.
    """
    hooks = [layer.register_forward_hook(_copied) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _copied(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
    return output.clone()
