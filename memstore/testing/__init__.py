"""What proves a store right: strategies for filters and memories, and the contract that judges stores.

Importing this package loads neither hypothesis nor pytest; its modules do. Both come with
``pip install "memstore[testing]"``.
"""
