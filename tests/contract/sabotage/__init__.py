"""Stores with one realistic bug each, and the contract test that must catch it.

Importing this package registers them all.
"""

from contract.sabotage import (
    in_adding,
    in_counting,
    in_expiry,
    in_export,
    in_filters,
    in_history,
    in_hostile_filters,
    in_listing,
    in_metadata,
    in_paths,
    in_protocol,
    in_purging,
    in_ranking,
    in_refused_imports,
    in_refused_listings,
    in_results,
    in_searching,
    in_stateful,
    in_texts,
    in_updates,
    in_values,
    in_versions,
)
from contract.sabotage.registry import SABOTAGES, Sabotage, judged

__all__ = [
    "SABOTAGES",
    "Sabotage",
    "in_adding",
    "in_counting",
    "in_expiry",
    "in_export",
    "in_filters",
    "in_history",
    "in_hostile_filters",
    "in_listing",
    "in_metadata",
    "in_paths",
    "in_protocol",
    "in_purging",
    "in_ranking",
    "in_refused_imports",
    "in_refused_listings",
    "in_results",
    "in_searching",
    "in_stateful",
    "in_texts",
    "in_updates",
    "in_values",
    "in_versions",
    "judged",
]
