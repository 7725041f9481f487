"""Stores that nobody here wrote, judged by memstore's contract. README.md says how to run it."""

import os
import sys
import tempfile
from pathlib import Path

# The one place where this folder reaches into tests/: the loopback server that plays the Mem0
# platform lives there as `mem0_platform`.
sys.path.append(str(Path(__file__).parents[2] / "tests"))

# mem0ai and Haystack report what is done with them unless told not to, and mem0ai writes into the
# home folder; both look here when they are imported.
os.environ.setdefault("MEM0_TELEMETRY", "False")
os.environ.setdefault("MEM0_DIR", str(Path(tempfile.gettempdir()) / "memstore-third-party"))
os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")
