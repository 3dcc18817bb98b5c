#!/usr/bin/env python
"""Compare controls and layers of DRS, over several seeds, with the classifier without it."""

from mmdrs.cli.ablate import main

if __name__ == '__main__':
    main()
