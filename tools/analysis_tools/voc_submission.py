#!/usr/bin/env python
"""Make and check uploads for the evaluation server of PASCAL VOC 2012 (segmentation, test set)."""

from mmdrs.cli.voc_submission import main

if __name__ == '__main__':
    main()
