"""The matrix from the command line: ``python -m tests.faults``."""

from __future__ import annotations

import sys

from tests.faults.commands import main

sys.exit(main(sys.argv[1:]))
