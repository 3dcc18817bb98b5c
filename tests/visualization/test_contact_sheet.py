"""Labels over images."""

import numpy as np

from mmdrs.visualization import label_overlay


def test_overlay_mixes_the_colours_and_leaves_the_background() -> None:
    image = np.full((1, 3, 3), 100, np.uint8)
    label = np.array([[0, 1, 2]])
    palette = [[50, 50, 50], [200, 0, 0], [0, 0, 255]]
    # 0.4 of 100, and 0.6 of the colour
    assert label_overlay(image, label, palette).tolist() == [
        [[100, 100, 100], [160, 40, 40], [40, 40, 193]]
    ]
