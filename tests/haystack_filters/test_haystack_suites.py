"""Haystack's own document store suites, judging our filters. Nothing is left out, nothing is expected to fail."""

import pytest
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.testing import document_store as suites
from haystack.testing import document_store_async as async_suites

from memstore.filters import compile_filter, parse


class FilteredDocumentStore(InMemoryDocumentStore):
    """Haystack's in-memory store with our filters in place of its own.

    Whatever takes a filter there is answered here, or by its superclass about the ids of what we
    found. The async methods, and the values of a metadata field, go through these already; only
    deleting has no async twin there.
    """

    def filter_documents(self, filters=None):
        if not filters:
            return super().filter_documents()
        keep = compile_filter(parse(filters))
        return [document for document in super().filter_documents() if keep(as_record(document))]

    def count_documents_by_filter(self, filters):
        return len(self.filter_documents(filters))

    def count_unique_metadata_by_filter(self, filters, metadata_fields):
        return super().count_unique_metadata_by_filter(self.found(filters), metadata_fields)

    def update_by_filter(self, filters, meta):
        return super().update_by_filter(self.found(filters), meta)

    def delete_by_filter(self, filters):
        return super().delete_by_filter(self.found(filters))

    async def delete_by_filter_async(self, filters):
        return self.delete_by_filter(filters)

    def found(self, filters):
        return {"field": "id", "operator": "in", "value": [document.id for document in self.filter_documents(filters)]}


def as_record(document):
    return {"id": document.id, "text": document.content, "meta": document.meta}


@pytest.fixture
def document_store():
    store = FilteredDocumentStore()
    yield store
    store.shutdown()


class TestFilterDocuments(suites.FilterDocumentsTest):
    pass


class TestCountDocumentsByFilter(suites.CountDocumentsByFilterTest):
    pass


class TestCountUniqueMetadataByFilter(suites.CountUniqueMetadataByFilterTest):
    pass


class TestDeleteByFilter(suites.DeleteByFilterTest):
    pass


class TestUpdateByFilter(suites.UpdateByFilterTest, suites.FilterableDocsFixtureMixin):
    pass


class TestGetMetadataFieldUniqueValues(suites.GetMetadataFieldUniqueValuesTest):
    pass


class TestFilterDocumentsAsync(async_suites.FilterDocumentsAsyncTest):
    pass


class TestCountDocumentsByFilterAsync(async_suites.CountDocumentsByFilterAsyncTest):
    pass


class TestCountUniqueMetadataByFilterAsync(async_suites.CountUniqueMetadataByFilterAsyncTest):
    pass


class TestDeleteByFilterAsync(async_suites.DeleteByFilterAsyncTest):
    pass


class TestUpdateByFilterAsync(async_suites.UpdateByFilterAsyncTest, suites.FilterableDocsFixtureMixin):
    pass


class TestGetMetadataFieldUniqueValuesAsync(async_suites.GetMetadataFieldUniqueValuesAsyncTest):
    pass


def test_no_suite_about_filters_is_missing():
    """A later Haystack may bring more; they belong above."""
    here = {base for thing in globals().values() if isinstance(thing, type) for base in thing.__mro__}
    known = {suite for module in (suites, async_suites) for name, suite in vars(module).items() if "Filter" in name}
    assert {suite.__name__ for suite in known - here if suite.__module__.startswith("haystack.testing")} == set()
