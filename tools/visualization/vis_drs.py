#!/usr/bin/env python
"""Heat maps of a classifier with and without its DRS, side by side, and what each layer caps."""

from mmdrs.cli.vis_drs import main

if __name__ == '__main__':
    main()
