#!/usr/bin/env python
"""The table of several pipeline runs that differ in their seed: mean ± standard deviation."""

from mmdrs.cli.mean_results import main

if __name__ == '__main__':
    main()
