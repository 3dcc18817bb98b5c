#!/usr/bin/env python
"""A report on a pipeline run: one HTML file, which needs nothing else and no network."""

from mmdrs.cli.report import main

if __name__ == '__main__':
    main()
