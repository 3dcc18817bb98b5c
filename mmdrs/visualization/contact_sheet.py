"""Pictures side by side: a row for each image, a column for each stage."""

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.label_file import VOID_COLOUR

GAP = 4
HEADER = 22
_ROWS = 256  # mixed at once


def heat_map(image: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """An image, RGB uint8 (H, W, 3), under the maximum of its maps (K, H, W), 0..1."""
    peak = np.clip(maps.max(axis=0, initial=0), 0, 1)
    colours = cv2.applyColorMap((peak * 255).astype(np.uint8), cv2.COLORMAP_JET)[..., ::-1]
    return (0.45 * image + 0.55 * colours).astype(np.uint8)


def label_colours(label: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """A label (H, W) in the colours of its classes, RGB; 255 has VOC's void colour."""
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(palette)] = np.asarray(palette, np.uint8)
    colours[IGNORE_LABEL] = VOID_COLOUR
    return colours[label]


def label_overlay(
    image: np.ndarray,
    label: np.ndarray,
    palette: Sequence[Sequence[int]],
    background: int | None = 0,
) -> np.ndarray:
    """An image, RGB uint8 (H, W, 3), under the colours of its label (H, W).

    The class ``background`` has no colour; None gives every class one. A few rows are mixed at
    once: the fractions of a large image would take gigabytes.
    """
    overlay = np.array(image)
    for top in range(0, len(image), _ROWS):
        rows = slice(top, top + _ROWS)
        mixed = 0.4 * image[rows] + 0.6 * label_colours(label[rows], palette)
        shown = (label[rows] != (-1 if background is None else background))[..., None]
        overlay[rows] = np.where(shown, mixed, image[rows]).astype(np.uint8)
    return overlay


def contact_sheet(
    headings: Sequence[str], rows: Sequence[Sequence[np.ndarray]], height: int = 128
) -> Image.Image:
    """A table of pictures.

    Args:
        headings: The columns' names.
        rows: For each image one RGB picture per column, all of one size.
        height: Height of a row in pixels.
    """
    widths = [max(1, round(row[0].shape[1] * height / row[0].shape[0])) for row in rows]
    width = max([*widths, 120])
    size = (len(headings) * (width + GAP) + GAP, HEADER + len(rows) * (height + GAP))
    sheet = Image.new('RGB', size, 'white')
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=13)
    for column, heading in enumerate(headings):
        draw.text((GAP + column * (width + GAP), 3), heading, fill='black', font=font)
    for line, (row, row_width) in enumerate(zip(rows, widths, strict=True)):
        for column, picture in enumerate(row):
            # Nearest keeps the colours of labels.
            nearest = Image.Resampling.NEAREST
            resized = Image.fromarray(picture).resize((row_width, height), nearest)
            sheet.paste(resized, (GAP + column * (width + GAP), HEADER + line * (height + GAP)))
    return sheet
