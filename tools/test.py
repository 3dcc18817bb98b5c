#!/usr/bin/env python
"""Test a model from its config, with the arguments of MMSegmentation's ``tools/test.py``."""

from mmdrs.cli.test import main

if __name__ == '__main__':
    main()
