"""Uploads for the evaluation server of PASCAL VOC 2012: packed from predictions, and checked.

The server wants a tar archive of ``results/VOC2012/Segmentation/<challenge>_test_cls/<id>.png``:
palette PNGs of the size of their image, whose values are classes.
"""
