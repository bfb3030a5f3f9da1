#!/usr/bin/env python3
"""The daemon's command: ``python3 eppd.py [options] run``. Installed, it is called ``eppd``."""

import sys

from srs_epp.cli import main

if __name__ == "__main__":
    sys.exit(main())
