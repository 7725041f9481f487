"""One chapter of the demo in a process of its own: ``python -m memstore.demo remember PATH``."""

import sys

from memstore.demo.story import recall, remember

if __name__ == "__main__":
    {"remember": remember, "recall": recall}[sys.argv[1]](sys.argv[2])
