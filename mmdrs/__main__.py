"""``python -m mmdrs`` is the ``mmdrs`` command."""

from mmdrs_command import main

if __name__ == '__main__':
    main()
