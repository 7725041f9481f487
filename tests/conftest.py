"""Settings for every test: how hard hypothesis looks for counterexamples, and where mem0ai keeps its files."""

import os
import tempfile

from hypothesis import settings

settings.register_profile("ci", max_examples=60, deadline=None)
settings.register_profile("thorough", max_examples=3000, deadline=None)
settings.load_profile("ci")

# mem0ai reads both when it is imported; without them it writes to the user's home, and sends events.
os.environ.setdefault("MEM0_DIR", tempfile.mkdtemp(prefix="mem0-"))
os.environ.setdefault("MEM0_TELEMETRY", "False")
