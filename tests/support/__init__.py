"""What several test files need: stores to test the core with."""
