"""The mathematics of the method: torch and numpy only, nothing of MMSegmentation."""
