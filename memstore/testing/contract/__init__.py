"""The contract: what every memory store must do, as tests that run against any store.

A file is a subject; `suite` puts them together, `plan` decides which of them a store's claims call
for, and `harness` is what they share.
"""
