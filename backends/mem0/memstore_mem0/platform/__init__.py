"""The hosted Mem0 platform, over its REST API."""
