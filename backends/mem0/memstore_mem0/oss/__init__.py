"""The self-hosted Mem0 library, in this process."""
