"""The mathematics of the method: torch and numpy (and pydensecrf), nothing of MMSegmentation."""
