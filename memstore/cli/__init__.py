"""The `memstore` command."""
