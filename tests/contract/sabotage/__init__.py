"""Stores with one realistic bug each, and the contract test that must catch it.

Importing this package registers them all.
"""

from contract.sabotage import (
    in_adding,
    in_filters,
    in_hostile_filters,
    in_metadata,
    in_paths,
    in_protocol,
    in_ranking,
    in_results,
    in_searching,
    in_texts,
    in_values,
)
from contract.sabotage.registry import SABOTAGES, Sabotage, judged

__all__ = [
    "SABOTAGES",
    "Sabotage",
    "in_adding",
    "in_filters",
    "in_hostile_filters",
    "in_metadata",
    "in_paths",
    "in_protocol",
    "in_ranking",
    "in_results",
    "in_searching",
    "in_texts",
    "in_values",
    "judged",
]
