"""Generate the shapes data set: a small, seeded data set in PASCAL VOC layout.

It shows the effect of Discriminative Region Suppression (Kim, Han, Kim, AAAI 2021, section 1):
every object has one strongly discriminative small part, the saturated emblem of its class at one
end, and a large body whose cue of the class is weak but real: its faint tint wanders from place
to place around the hue of the class, so that only a large piece of the body tells the class.
A plain classifier can stop at the emblem. Backgrounds are cluttered with the same tints, with
patches and with saturated spots, so that no single pixel tells the class.

Saliency maps are imperfect on purpose (soft borders, uneven strength, holes, distractors, weak
objects), as those of a saliency network are. They are meant to be cut at 50 of 255.

Written below the output folder::

    JPEGImages/{id}.jpg                     RGB, quality 95
    SegmentationClass/{id}.png              mode P, VOC palette: 0 background, 1..K classes
    saliency_map/{id}.png                   mode L, 0..255
    ImageSets/Segmentation/{split}.txt      one id a line, for train and val
    ImageSets/Segmentation/{split}_cls.txt  'id 0 3': id, then 0-based foreground classes
    shapes_voc.json                         the settings that made the data set

Example: ``python tools/dataset_converters/make_shapes_voc.py data/shapes``
"""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from mmdrs.cli.arguments import command
from mmdrs.errors import InputError
from mmdrs.pseudo_labels.label_file import write_label
from mmdrs.pseudo_labels.palette import voc_palette

CLASSES = ('background', 'lamp', 'kite', 'drum', 'vase', 'bell', 'leaf', 'sock', 'coin')
SETTINGS_FILE = 'shapes_voc.json'
FORMAT_VERSION = 1  # raise it whenever the same settings give other images

SIDE = 64  # lengths below are in pixels of an image of this side; other sizes are scaled
COUNT_SHARES = (0.5, 0.35, 0.15)  # of images with 1, 2 and 3 shapes
BODY_LENGTH = 24.0  # mean half axes of a body
BODY_WIDTH = 11.0
BODY_TINT = 0.06  # chroma of a body, RGB in 0..1; the background's is TINT_NOISE on average
TINT_NOISE = 0.08
# How far the hue of a body strays from its class's: for the whole body, and from place to place
# within it (radians, standard deviations). The second makes the cue weak: at 0.2 the body alone
# is enough, plain maps are dense and the effect is hidden; above 1.4 the cue is next to none.
HUE_JITTER = 0.2
HUE_NOISE = 1.0
HUE_CELLS = 8  # places along the image's side
EMBLEM_TINT = 0.45
EMBLEM_RADIUS = 4.0


class Shape(NamedTuple):
    """One object: its class (1..K) and soft masks in 0..1, each (H, W)."""

    label: int
    body: np.ndarray
    plate: np.ndarray
    sign: np.ndarray


class Sample(NamedTuple):
    """One image: RGB (H, W, 3), label map (H, W) and saliency (H, W), all uint8."""

    image: np.ndarray
    label: np.ndarray
    saliency: np.ndarray


def pixel_grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns y and x of every pixel, each (H, W), in pixels of an image of side ``SIDE``."""
    axis = (np.arange(size) + 0.5) * SIDE / size
    y, x = np.meshgrid(axis, axis, indexing='ij')
    return y, x


def chroma(hue: float | np.ndarray) -> np.ndarray:
    """Returns the colour directions of hues in radians: (..., 3), zero mean, length 1."""
    return np.cos(np.asarray(hue)[..., None] - np.array([0.0, 2.0, 4.0]) * np.pi / 3) * np.sqrt(
        2 / 3
    )


def smooth_noise(rng: np.random.Generator, size: int, cells: int) -> np.ndarray:
    """Returns noise of unit standard deviation that varies over size / cells pixels: (H, W)."""
    coarse = Image.fromarray(rng.standard_normal((cells, cells)).astype(np.float32))
    noise = np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))
    return noise / (noise.std() + 1e-6)


def turned(
    y: np.ndarray, x: np.ndarray, centre: np.ndarray, angle: float
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the coordinates along and across a direction, from ``centre`` (y, x)."""
    dy, dx = y - centre[0], x - centre[1]
    return dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)


def soft_ellipse(
    u: np.ndarray, v: np.ndarray, length: float | np.ndarray, width: float | np.ndarray
) -> np.ndarray:
    """Returns a mask 0..1 of an ellipse of these half axes, its border about a pixel wide."""
    return np.clip((1 - np.hypot(u / length, v / width)) * np.minimum(length, width) + 0.5, 0, 1)


def emblem_sign(label: int, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Returns the mask (H, W) of the sign of class ``label`` (1..8); u, v are in emblem radii."""
    radius = np.hypot(u, v)
    signs = (
        (np.abs(u) < 0.3) | (np.abs(v) < 0.3),  # cross
        (radius > 0.35) & (radius < 0.75),  # ring
        np.abs(np.abs(v) - 0.4) < 0.2,  # two bars
        u * v > 0,  # chequer
        radius < 0.5,  # dot
        u > 0,  # half
        np.abs(v) < 0.3 * (1 + u),  # wedge
        np.abs(np.maximum(np.abs(u), np.abs(v)) - 0.5) < 0.2,  # frame
    )
    return np.where(signs[label - 1] & (radius < 1), 1.0, 0.0)


def blend(image: np.ndarray, mask: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Returns ``image`` (H, W, 3) with ``colour`` laid over it where ``mask`` (H, W) is 1."""
    return image + mask[..., None] * (colour - image)


def stripes(rng: np.random.Generator, size: int, period: float) -> np.ndarray:
    """Returns a sine grating in -1..1 of random direction and phase: (H, W, 1)."""
    u, _ = turned(*pixel_grid(size), np.zeros(2), rng.uniform(0, np.pi))
    return np.sin(u * 2 * np.pi / period + rng.uniform(0, 2 * np.pi))[..., None]


def random_patch(
    rng: np.random.Generator, size: int, smallest: float, largest: float
) -> np.ndarray:
    """Returns the mask (H, W) of an ellipse anywhere, its half axes in the given range."""
    u, v = turned(*pixel_grid(size), rng.uniform(0, SIDE, 2), rng.uniform(0, np.pi))
    return soft_ellipse(u, v, *rng.uniform(smallest, largest, 2))


def draw_background(rng: np.random.Generator, size: int) -> np.ndarray:
    """Returns clutter (H, W, 3), about 0..1, with tints, stripes and saturated spots."""
    light = 0.42 + 0.08 * smooth_noise(rng, size, 4) + 0.06 * smooth_noise(rng, size, 16)
    image = np.repeat(light[..., None], 3, axis=2)
    for hue in (0, np.pi / 2):
        image += TINT_NOISE * smooth_noise(rng, size, 6)[..., None] * chroma(hue)
    for _ in range(rng.integers(3, 7)):
        tint = rng.uniform(0, 0.09) * chroma(rng.uniform(0, 2 * np.pi))
        texture = rng.uniform(0, 0.09) * stripes(rng, size, rng.uniform(3, 12))
        image = blend(
            image, random_patch(rng, size, 4, 10), rng.uniform(0.25, 0.6) + tint + texture
        )
    for _ in range(rng.integers(2, 5)):
        colour = rng.uniform(0.3, 0.7) + EMBLEM_TINT * chroma(rng.uniform(0, 2 * np.pi))
        image = blend(image, random_patch(rng, size, 1, 2.5), colour)
    return image


def place_shape(rng: np.random.Generator, size: int, label: int, scale: float) -> Shape | None:
    """Returns a shape at a random place, or None where its emblem would leave the image."""
    y, x = pixel_grid(size)
    length, width = scale * rng.uniform(0.85, 1.15, 2) * (BODY_LENGTH, BODY_WIDTH)
    centre, angle = rng.uniform(width, SIDE - width, 2), rng.uniform(0, 2 * np.pi)
    # The emblem sits at one end, so that most of the body is outside of its reach.
    spot = centre + (length - EMBLEM_RADIUS - 1) * np.array([np.sin(angle), np.cos(angle)])
    if spot.min() < EMBLEM_RADIUS + 1 or spot.max() > SIDE - EMBLEM_RADIUS - 1:
        return None
    wobble = 1 + 0.06 * smooth_noise(rng, size, 6)
    body = soft_ellipse(*turned(y, x, centre, angle), length * wobble, width * wobble)
    u, v = turned(y, x, spot, angle + rng.uniform(-0.4, 0.4))
    plate = soft_ellipse(u, v, EMBLEM_RADIUS, EMBLEM_RADIUS)
    sign = emblem_sign(label, u / EMBLEM_RADIUS, v / EMBLEM_RADIUS)
    return Shape(label, np.maximum(body, plate), plate, sign)


def place_shapes(rng: np.random.Generator, size: int, num_classes: int) -> list[Shape]:
    """Returns 1 to 3 shapes of different classes that hardly overlap and show their emblems."""
    count = min(num_classes, rng.choice([1, 2, 3], p=COUNT_SHARES))
    placed: list[Shape] = []
    for label in rng.permutation(num_classes)[:count] + 1:
        for attempt in range(60):
            shape = place_shape(rng, size, int(label), 1 - 0.004 * attempt)
            if shape is not None and all(
                (shape.body * other.body).sum() < 0.1 * min(shape.body.sum(), other.body.sum())
                and (shape.body * other.plate).sum() == 0
                for other in placed
            ):
                placed.append(shape)
                break
    return placed


def draw_shape(
    rng: np.random.Generator, image: np.ndarray, shape: Shape, num_classes: int
) -> np.ndarray:
    """Returns ``image`` (H, W, 3) with the shape drawn over it."""
    size = image.shape[0]
    hue = 2 * np.pi * (shape.label - 1) / num_classes
    light = rng.uniform(0.45, 0.65) + 0.07 * smooth_noise(rng, size, 5)[..., None]
    stray = HUE_JITTER * rng.standard_normal() + HUE_NOISE * smooth_noise(rng, size, HUE_CELLS)
    body = light + BODY_TINT * chroma(hue + stray)
    image = blend(image, shape.body, body)
    image = blend(image, shape.plate, np.full(3, 0.25))
    return blend(image, shape.sign, 0.6 + EMBLEM_TINT * chroma(hue))


def blurred(mask: np.ndarray, radius: float) -> np.ndarray:
    """Returns a mask 0..1 (H, W) after a Gaussian blur, radius in pixels of side ``SIDE``."""
    picture = Image.fromarray(np.uint8(np.clip(mask, 0, 1) * 255))
    picture = picture.filter(ImageFilter.GaussianBlur(radius * mask.shape[0] / SIDE))
    return np.asarray(picture) / 255


def draw_saliency(rng: np.random.Generator, size: int, shapes: list[Shape]) -> np.ndarray:
    """Returns an imperfect saliency map (H, W), uint8, of the shapes."""
    total = np.zeros((size, size))
    for shape in shapes:
        weak = rng.random() < 0.15
        strength = rng.uniform(0.1, 0.3) if weak else rng.uniform(0.5, 1)
        body = shape.body * strength * (1 + 0.25 * smooth_noise(rng, size, 5))
        for _ in range(rng.choice([0, 1, 2, 3], p=[0.25, 0.35, 0.25, 0.15])):
            body = body * (1 - hole(rng, size, shape.body))
        total = np.maximum(total, body)
    for _ in range(rng.choice([0, 1, 2, 3], p=[0.3, 0.35, 0.2, 0.15])):
        total = np.maximum(total, rng.uniform(0.3, 0.9) * random_patch(rng, size, 3, 7))
    total = blurred(total, rng.uniform(0.8, 1.8)) + 0.03 * smooth_noise(rng, size, 8)
    return np.uint8(np.clip(total, 0, 1) * 255)


def hole(rng: np.random.Generator, size: int, body: np.ndarray) -> np.ndarray:
    """Returns the mask (H, W) of an ellipse around a random pixel of ``body``."""
    y, x = pixel_grid(size)
    pixel = rng.choice(np.flatnonzero(body > 0.5))
    centre = np.array([y.flat[pixel], x.flat[pixel]])
    u, v = turned(y, x, centre, rng.uniform(0, np.pi))
    return soft_ellipse(u, v, *rng.uniform(2.5, 6, 2))


def draw_sample(rng: np.random.Generator, size: int, num_classes: int) -> Sample:
    """Returns one image of 1 to 3 shapes with its label map and saliency map."""
    image, label = draw_background(rng, size), np.zeros((size, size), np.uint8)
    shapes = place_shapes(rng, size, num_classes)
    for shape in shapes:
        image = draw_shape(rng, image, shape, num_classes)
        label[shape.body > 0.5] = shape.label
    image = image + 0.03 * rng.standard_normal(image.shape)
    saliency = draw_saliency(rng, size, shapes)
    return Sample(np.uint8(np.clip(image, 0, 1) * 255), label, saliency)


def check_settings(
    num_images: int, num_val_images: int, size: int, num_classes: int, seed: int
) -> None:
    """Raises ``InputError`` that names the setting which is out of range."""
    for name, value, low, high in (
        ('--train-images', num_images, 1, 999_999),
        ('--val-images', num_val_images, 1, 999_999),
        ('--size', size, 32, 4096),
        ('--classes', num_classes, 1, len(CLASSES) - 1),
        ('--seed', seed, 0, 2**31 - 1),
    ):
        if not low <= value <= high:
            raise InputError(f'{name} is {value}; choose a value from {low} to {high}')


def is_complete(out_dir: Path, settings: dict[str, int]) -> bool:
    """Whether ``out_dir`` holds the data set of these settings.

    Raises:
        InputError: If it holds anything else.
    """
    if not out_dir.exists() or (out_dir.is_dir() and not any(out_dir.iterdir())):
        return False
    try:
        found = json.loads((out_dir / SETTINGS_FILE).read_text('utf-8'))
    except (OSError, ValueError):
        raise InputError(
            f'{out_dir} exists and is no data set of this tool (no readable {SETTINGS_FILE}); '
            'choose another folder'
        ) from None
    if found != settings:
        raise InputError(
            f'{out_dir} holds a data set made with other settings, {found} instead of '
            f'{settings}; choose another folder'
        )
    return True


def write_split(root: Path, split: str, count: int, settings: dict[str, int]) -> None:
    """Writes the images and the lists of one split ('train' or 'val') below ``root``."""
    palette, ids, lines = voc_palette(settings['classes'] + 1), [], []
    for index in range(count):
        # A stream of its own for every image: another number of images changes no image.
        rng = np.random.default_rng([settings['seed'], int(split == 'val'), index])
        sample = draw_sample(rng, settings['size'], settings['classes'])
        name = f'{split}_{index:06d}'
        Image.fromarray(sample.image).save(root / 'JPEGImages' / f'{name}.jpg', quality=95)
        write_label(root / 'SegmentationClass' / f'{name}.png', sample.label, palette)
        Image.fromarray(sample.saliency).save(root / 'saliency_map' / f'{name}.png')
        classes = [str(value - 1) for value in np.unique(sample.label) if value > 0]
        ids.append(name)
        lines.append(' '.join([name, *classes]))
    lists = root / 'ImageSets' / 'Segmentation'
    (lists / f'{split}.txt').write_text('\n'.join(ids) + '\n', 'utf-8')
    (lists / f'{split}_cls.txt').write_text('\n'.join(lines) + '\n', 'utf-8')


def make_shapes_voc(
    out_dir: str | Path,
    num_images: int = 800,
    num_val_images: int = 160,
    size: int = 64,
    num_classes: int = 5,
    seed: int = 0,
) -> bool:
    """Writes the data set, first below a temporary name beside ``out_dir``.

    Args:
        out_dir: Folder to make; it may exist if it is empty or holds this very data set.
        num_images: Number of training images.
        num_val_images: Number of validation images.
        size: Side of the square images in pixels.
        num_classes: Number K of foreground classes, named ``CLASSES[1:K + 1]``.
        seed: Seed of everything random, 0 or more. Equal settings give equal files.

    Returns:
        True if the data set was written, False if it was there already and was kept.

    Raises:
        InputError: If a setting is out of range, or ``out_dir`` holds anything else or a data set
            of other settings.
    """
    check_settings(num_images, num_val_images, size, num_classes, seed)
    counts = {'train': num_images, 'val': num_val_images}
    settings = {**counts, 'size': size, 'classes': num_classes, 'seed': seed}
    settings['format'] = FORMAT_VERSION
    out_dir = Path(out_dir)
    if is_complete(out_dir, settings):
        return False
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out_dir.parent, prefix=f'.{out_dir.name}.') as temporary:
        root = Path(temporary) / 'data'
        for folder in (
            'JPEGImages',
            'SegmentationClass',
            'saliency_map',
            'ImageSets/Segmentation',
        ):
            (root / folder).mkdir(parents=True)
        for split, count in counts.items():
            write_split(root, split, count, settings)
        (root / SETTINGS_FILE).write_text(json.dumps(settings, indent=2) + '\n', 'utf-8')
        os.replace(root, out_dir)
    return True


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('out_dir', type=Path, help='folder to make')
    parser.add_argument('--train-images', type=int, default=800, help='number of training images')
    parser.add_argument('--val-images', type=int, default=160, help='number of validation images')
    parser.add_argument('--size', type=int, default=64, help='side of the images in pixels')
    parser.add_argument('--classes', type=int, default=5, help='number of foreground classes')
    parser.add_argument('--seed', type=int, default=0, help='0 or more')
    args = parser.parse_args(argv)
    written = make_shapes_voc(
        args.out_dir, args.train_images, args.val_images, args.size, args.classes, args.seed
    )
    print(f'{args.out_dir}: {"written" if written else "complete already, kept"}')


if __name__ == '__main__':
    main()
