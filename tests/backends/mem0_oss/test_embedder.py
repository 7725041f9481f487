"""The offline embedder."""

import math
import warnings

import pytest

from memstore_mem0.oss.embedder import OfflineEmbedder


@pytest.mark.parametrize("text", ["", "tea", "\x01", "日本", "long " * 1000])
def test_every_text_has_a_direction(text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [one, other] = OfflineEmbedder().embed_batch([text, "another"])
    assert math.isclose(math.hypot(*one), 1.0, rel_tol=1e-6) and math.isclose(math.hypot(*other), 1.0, rel_tol=1e-6)
