#!/usr/bin/env python
"""Fuse localization maps and a background cue into pseudo labels."""

from mmdrs.cli.pseudo_labels import main

if __name__ == '__main__':
    main()
