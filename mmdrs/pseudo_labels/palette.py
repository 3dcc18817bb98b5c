"""The colour map of PASCAL VOC, for any number of classes."""

from mmdrs.errors import InputError


def voc_palette(num_colors: int) -> list[list[int]]:
    """Return the first ``num_colors`` colours, lists ``[red, green, blue]`` of 0..255.

    The three lowest bits of an index become the highest bits of red, green and blue, the next
    three the bits below, and so on (``VOClabelcolormap`` of the VOC development kit).

    Raises:
        InputError: If ``num_colors`` is negative.
    """
    if num_colors < 0:
        raise InputError(f'num_colors must not be negative, got {num_colors}')
    palette = []
    for index in range(num_colors):
        color = [0, 0, 0]
        for step in range(8):
            for channel in range(3):
                bit = index >> (3 * step + channel) & 1
                color[channel] |= bit << (7 - step)
        palette.append(color)
    return palette
