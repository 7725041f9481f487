"""Stores with one realistic bug each, and the contract test that must catch it.

Importing this package registers them all.
"""

from contract.sabotage import in_filters
from contract.sabotage.registry import SABOTAGES, Sabotage, judged

__all__ = ["SABOTAGES", "Sabotage", "in_filters", "judged"]
