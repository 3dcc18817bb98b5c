#!/usr/bin/env python
"""Train a model from its config, with the arguments of MMSegmentation's ``tools/train.py``."""

from mmdrs.cli.train import main

if __name__ == '__main__':
    main()
