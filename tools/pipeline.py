#!/usr/bin/env python
"""All stages in order, from image-level labels to a scored segmentation network."""

from mmdrs.cli.run import main

if __name__ == '__main__':
    main()
