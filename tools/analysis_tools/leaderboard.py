#!/usr/bin/env python
"""Rank evaluations of work directories, beside published figures where there are any."""

from mmdrs.cli.leaderboard import main

if __name__ == '__main__':
    main()
