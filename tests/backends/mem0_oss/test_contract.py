"""The store on embedded Qdrant, which is what one gets without a configuration, keeps the whole contract.

By default only what this store could most easily get wrong; all of it, and the async twins, with ``-m slow``.
"""

from typing import Any

import pytest
from backends.mem0_oss.contracts import CLAIMS, OSSContract

from memstore.testing.contract.adding import Adding
from memstore.testing.contract.durability import Durability
from memstore.testing.contract.erasing import Erasing
from memstore.testing.contract.metadata import Metadata
from memstore.testing.contract.plan import tests_of as contract_tests_of
from memstore.testing.contract.scope import Scope
from memstore.testing.contract.suite import CONTRACT
from memstore.testing.contract.updating import Updating

CHOSEN = {
    test.name for subject in (Durability, Erasing, Metadata, Scope, Updating) for test in contract_tests_of(subject)
}


class TestMem0OSS(OSSContract):
    claims = CLAIMS | {"erasure"}


class TestWithoutAModel(OSSContract):
    """As one gets it without a configuration: adding, where `infer=True` is refused."""

    claims = CLAIMS | {"erasure"}

    def model(self, server: Any) -> dict[str, Any]:
        return {}


for name in CONTRACT.keys() - {test.name for test in contract_tests_of(Adding)}:
    setattr(TestWithoutAModel, name, None)

for name in CONTRACT:
    kept = getattr(TestMem0OSS, name)
    if callable(kept) and (name not in CHOSEN or name.endswith("_async")):
        setattr(TestMem0OSS, name, pytest.mark.slow(kept))
