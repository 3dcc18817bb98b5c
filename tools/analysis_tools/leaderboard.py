#!/usr/bin/env python
"""Rank evaluations of work directories, among published results where there are any."""

from mmdrs.cli.leaderboard import main

if __name__ == '__main__':
    main()
