"""Texts on and below pictures."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

#: Left and top of a text in the corner of a picture.
CORNER = (4, 2)
MARGIN = 4  # between a text and the edge of the picture, in pixels
PADDING = 2  # of a text in its box
SIZES = range(14, 7, -1)  # of the font, in pixels: the first at which a text fits
LINE = 22  # height of a line of a legend
SWATCH = 14

#: The second where Pillow has no FreeType.
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Box = tuple[float, float, float, float]  # left, top, right, bottom


def written_on(
    picture: np.ndarray, texts: Sequence[tuple[str, tuple[float, float]]]
) -> np.ndarray:
    """A picture, RGB uint8 (H, W, 3), with texts, white on black.

    Each text is as near to its place (left, top) as it can be inside the picture without covering
    another one. One that is wider than the picture is written smaller, and then cut off.
    """
    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas)
    taken: list[Box] = []
    for text, place in texts:
        text, font = _fitted(text, canvas.width - 2 * (MARGIN + PADDING))
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
        size = right - left + 2 * PADDING, bottom - top + 2 * PADDING
        x, y = _free_place(place, size, canvas.size, taken)
        taken.append((x, y, x + size[0], y + size[1]))
        draw.rectangle(taken[-1], fill='black')
        draw.text((x - left + PADDING, y - top + PADDING), text, fill='white', font=font)
    return np.asarray(canvas)


def legend(colours: Mapping[str, Sequence[int]], width: int) -> Image.Image:
    """Names, each behind its colour, in lines of a width.

    Args:
        colours: Red, green and blue by name.
        width: Of the legend, in pixels.
    """
    fonts = {name: _fitted(name, width - SWATCH - 4 * MARGIN) for name in colours}
    places: list[tuple[int, int]] = []
    x, y = MARGIN, 0
    for text, font in fonts.values():
        space = SWATCH + MARGIN + round(font.getlength(text)) + 3 * MARGIN
        if x > MARGIN and x + space > width:
            x, y = MARGIN, y + LINE
        places.append((x, y))
        x += space
    canvas = Image.new('RGB', (width, y + LINE), 'white')
    draw = ImageDraw.Draw(canvas)
    for (x, y), colour, (text, font) in zip(places, colours.values(), fonts.values(), strict=True):
        corner = x, y + MARGIN
        opposite = x + SWATCH, y + MARGIN + SWATCH
        draw.rectangle((*corner, *opposite), fill=tuple(colour), outline='black')
        middle = x + SWATCH + MARGIN, y + MARGIN + SWATCH / 2
        draw.text(middle, text, fill='black', font=font, anchor='lm')
    return canvas


def _fitted(text: str, width: float) -> tuple[str, _Font]:
    """A text, cut off if need be, and the largest font at which it has at most this width."""
    fonts = [ImageFont.load_default(size) for size in SIZES]
    font = next((font for font in fonts if font.getlength(text) <= width), fonts[-1])
    while len(text) > 1 and font.getlength(text) > width:
        text = text.removesuffix('...')[:-1] + '...' if len(text) > 4 else text[:-1]
    return text, font


def _free_place(
    place: tuple[float, float],
    size: tuple[float, float],
    limits: tuple[int, int],
    taken: Sequence[Box],
) -> tuple[float, float]:
    """The nearest place in the picture where a text covers no other one, if there is any."""
    x = min(max(place[0], MARGIN), max(limits[0] - size[0] - MARGIN, 0))
    lowest = max(limits[1] - size[1] - MARGIN, 0)
    tops = [min(max(place[1] + shift, 0), lowest) for shift in _shifts(size[1] + 2, limits[1])]
    return x, next((y for y in tops if not _covers((x, y), size, taken)), tops[0])


def _shifts(step: float, height: float) -> Iterator[float]:
    """0, then down and up in steps."""
    yield 0
    for count in range(1, int(height / step) + 1):
        yield count * step
        yield -count * step


def _covers(place: tuple[float, float], size: tuple[float, float], taken: Sequence[Box]) -> bool:
    (x, y), (width, height) = place, size
    return any(
        x < right and left < x + width and y < bottom and top < y + height
        for left, top, right, bottom in taken
    )
