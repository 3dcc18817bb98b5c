"""What the steps of label making that a config names by their type have in common.

A step is a frozen dataclass. Its fields are what a config may set and what records say: numbers,
texts, None, and lists or dicts of these. ``docs/extending.md`` shows how to write one.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, ClassVar, TypeVar, cast

import numpy as np

from mmdrs.errors import InputError, check_keys, did_you_mean
from mmdrs.registry import BACKGROUND_CUES, MAP_REFINEMENTS

Step = TypeVar('Step')
#: Of steps that a user may add, where the type is unknown.
IMPORT_HINT = '; for a type of your own, name its module in custom_imports'


class Cue(ABC):
    """Tells the background of a label.

    Attributes:
        needs_saliency: Whether it reads the saliency map of an image. A pixel is then ignored in
            the written label where the background score is 0 and no class has a map above it.
        needs_image: Whether it reads the image.
        source: What made the saliency maps, where it is known.
        refined: Whether the refinement of the maps (``refine`` of the rules) refines the saliency
            map as well, as one more channel.
    """

    needs_saliency: ClassVar[bool] = False
    needs_image: ClassVar[bool] = False
    source = ''
    refined = False

    @abstractmethod
    def score(
        self, maps: np.ndarray, saliency: np.ndarray | None, image: np.ndarray | None = None
    ) -> np.ndarray:
        """Background score of each pixel: it is background where no map is above it.

        Args:
            maps: Localization maps of the K classes of the image, float32 (K, H, W), about 0..1;
                what was below ``threshold`` of the rules is 0.
            saliency: Saliency map (H, W), 0..255; None unless ``needs_saliency``.
            image: Red, green and blue, uint8 (H, W, 3); None unless ``needs_image``.

        Returns:
            float32 (H, W), on the scale of the maps.
        """

    def unsure(
        self, maps: np.ndarray, saliency: np.ndarray | None, image: np.ndarray | None = None
    ) -> np.ndarray | None:
        """Pixels to ignore in the written label, bool (H, W); None ignores none.

        Arguments as of :meth:`score`.
        """
        return None

    def to_config(self) -> dict[str, Any]:
        """The cue as a config with every value."""
        return step_config(BACKGROUND_CUES.module_dict, self)

    def deciding(self) -> dict[str, Any]:
        """The values that decide what a label is; those it lacks change no fingerprint."""
        return self.to_config()


class MapRefinement(ABC):
    """Changes the maps of an image before they become a label."""

    @abstractmethod
    def refine(self, image: np.ndarray, maps: np.ndarray) -> np.ndarray:
        """Refine the maps of one image.

        Args:
            image: Red, green and blue, uint8 (H, W, 3).
            maps: Localization maps of the K classes of the image, float32 (K, H, W), about 0..1;
                K may be 0.

        Returns:
            float32 (K, H, W), on the same scale.
        """

    def to_config(self) -> dict[str, Any]:
        """The refinement as a config with every value."""
        return step_config(MAP_REFINEMENTS.module_dict, self)


def step_config(kinds: Mapping[str, type], step: object) -> dict[str, Any]:
    """``dict(type=NAME, ...)`` of a step that is registered among ``kinds``."""
    names = [name for name, kind in kinds.items() if kind is type(step)]
    return dict(type=names[0] if names else type(step).__name__, **asdict(cast(Any, step)))


def build_step(
    kinds: Mapping[str, type[Step]],
    where: str,
    config: Mapping[str, Any],
    default: str,
    hint: str = '',
) -> Step:
    """Build a step from ``dict(type=NAME, ...)``.

    Args:
        kinds: The dataclasses by name.
        where: The config's key, for errors.
        config: ``type``, which may be left out, and values of the dataclass.
        default: The type without one.
        hint: Ends the message about an unknown type.

    Raises:
        InputError: If it is no dict, the type or a key is unknown, or a value is missing.
    """
    if not isinstance(config, Mapping):
        raise InputError(f'{where} must be a dict, got {config!r}')
    name = config.get('type', default)
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        raise InputError(
            f'{where} has no type {name!r}, only {", ".join(kinds)}'
            f'{did_you_mean(str(name), kinds)}{hint}'
        )
    if '__dataclass_fields__' not in vars(kind):
        raise InputError(
            f'{where}: {kind.__name__} must be a dataclass, so that records say all its values: '
            'put @dataclass(frozen=True) above the class'
        )
    known = [field.name for field in fields(cast(Any, kind))]
    check_keys(where, config, dict.fromkeys(['type', *known]))  # once, also where it is a field
    try:
        return kind(**{key: value for key, value in config.items() if key in known})
    except TypeError as error:
        raise InputError(f'{where}: {error}') from error
