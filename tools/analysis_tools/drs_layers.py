#!/usr/bin/env python
"""List the modules of a config's backbone where DRS can go."""

from mmdrs.cli.places import main

if __name__ == '__main__':
    main()
