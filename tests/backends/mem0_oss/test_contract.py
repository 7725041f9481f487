"""The store on embedded Qdrant, which is what one gets without a configuration, keeps the whole contract."""

import pytest
from backends.mem0_oss.contracts import CLAIMS, OSSContract


@pytest.mark.slow
class TestMem0OSS(OSSContract):
    claims = CLAIMS | {"erasure"}
