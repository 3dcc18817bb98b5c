"""Texts on pictures, and legends."""

import numpy as np
import pytest

from mmdrs.visualization import legend, written_on

GREY = np.full((60, 200, 3), 90, np.uint8)


def changed(picture: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the smallest box that holds all that was written."""
    rows, columns = ((picture != GREY).any(axis=-1).any(axis=axis).nonzero()[0] for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def test_text_is_white_on_a_black_box_at_its_place() -> None:
    picture = written_on(GREY, [('cat', (70, 20))])
    rows, columns = changed(picture)
    assert (rows.start, columns.start) == (20, 70)
    box = picture[rows, columns]
    assert (box[0] == 0).all() and (box[-1] == 0).all()  # the text does not reach the edge
    assert (box[:, 0] == 0).all() and (box[:, -1] == 0).all()
    assert box.max() == 255
    assert (GREY == 90).all()


@pytest.mark.parametrize('place', [(-50, -50), (500, 500), (195, 0), (0, 58)])
def test_text_stays_in_the_picture(place: tuple[int, int]) -> None:
    inside = changed(written_on(GREY, [('cat', (70, 20))]))
    rows, columns = changed(written_on(GREY, [('cat', place)]))
    assert rows.stop - rows.start == inside[0].stop - inside[0].start
    assert columns.stop - columns.start == inside[1].stop - inside[1].start


def test_two_texts_of_one_place_are_both_there() -> None:
    alone = [written_on(GREY, [(name, (70, 20))]) for name in ('cat', 'dog')]
    together = written_on(GREY, [('cat', (70, 20)), ('dog', (70, 20))])
    white = [(picture > 90).sum() for picture in (*alone, together)]
    assert white[2] == white[0] + white[1]


@pytest.mark.parametrize('width', [20, 60, 120])
def test_long_text_is_written_smaller_and_cut_off(width: int) -> None:
    picture = written_on(GREY[:, :width], [('a class with a very long name', (0, 0))])
    written = (picture != 90).any(axis=(0, 2))
    assert written.any() and not written[-1] and not written[0]


def test_legend_has_each_colour_and_grows_with_the_names() -> None:
    colours = {'cat': (64, 0, 0), 'dog': (64, 0, 128), 'tv': (0, 64, 128)}
    wide, narrow = (np.asarray(legend(colours, width)) for width in (300, 80))
    assert wide.shape[1] == 300 and narrow.shape[1] == 80
    assert narrow.shape[0] == 3 * wide.shape[0]  # one name a line
    for colour in colours.values():
        for picture in (wide, narrow):
            assert (picture == colour).all(axis=-1).sum() == 13 * 13  # inside its outline
    starts = [(wide == colour).all(axis=-1).any(axis=0).argmax() for colour in colours.values()]
    assert starts == sorted(starts)
