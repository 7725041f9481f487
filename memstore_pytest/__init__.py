"""The pytest plugin of memstore's contract, apart from memstore so that pytest loads nothing else with it."""
