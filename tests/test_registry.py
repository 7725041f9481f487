"""Stores by URL and by serialised type, with real plugins: distributions on the path."""

import sys
import textwrap

import pytest

from memstore import BoundMemoryStore, MissingDependencyError, RegistryError, bind, open_store, store_from_dict
from memstore.cli.backends import backends_table
from memstore.registry import schemes

PLUGIN = """
from memstore import BaseMemoryStore

class PluginStore(BaseMemoryStore):
    @classmethod
    def from_url(cls, url):
        store = cls()
        store.url = url
        return store

    def _insert(self, memories): return memories
    def _select(self, filter, after, limit): return []
    def _delete(self, ids): return []
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a distribution on the path as pip would: code, metadata, entry points."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(name, entry_points, code=PLUGIN, extras=()):
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        extra_lines = "".join(f"Provides-Extra: {extra}\n" for extra in extras)
        info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{extra_lines}")
        info.joinpath("entry_points.txt").write_text("[memstore.backends]\n" + entry_points)
        tmp_path.joinpath(f"{name}.py").write_text(textwrap.dedent(code))

    before = set(sys.modules)
    yield install
    for module in set(sys.modules) - before:
        if module.startswith("plugin_"):
            del sys.modules[module]


def test_a_store_by_its_url():
    from memstore_in_memory import InMemoryMemoryStore

    assert isinstance(open_store("memory://"), InMemoryMemoryStore)


def test_a_third_partys_plugin_comes_through_the_same_door(install):
    install("plugin_one", "one+two = plugin_one:PluginStore\n")
    store = open_store("one+two://host/path?option=1")
    assert (store.url.netloc, store.url.path, store.url.query) == ("host", "/path", "option=1")
    assert type(store_from_dict(store.to_dict())) is type(store)


@pytest.mark.parametrize("url", ["", "memory", "memory:", "/path", "://", "memory:/"])
def test_what_is_no_url_is_refused(url):
    with pytest.raises(RegistryError, match="starts with a scheme"):
        open_store(url)


def test_an_unknown_scheme_lists_the_known_ones():
    with pytest.raises(RegistryError, match=r"no backend for 'nosuch://'; installed are .*memory"):
        open_store("nosuch://x")


@pytest.mark.parametrize("url", ["memory://host", "memory:///path", "memory://?a=1", "memory://#x"])
def test_what_a_store_does_not_understand_is_refused(url):
    with pytest.raises(RegistryError, match="write 'memory://'"):
        open_store(url)


@pytest.mark.parametrize(
    "url",
    ["memory://user:pw@host", "memory://user@host", "memory://?api_key=x", "memory://?TOKEN=x", "memory://?password="],
)
def test_secrets_in_a_url_are_refused(url):
    with pytest.raises(RegistryError, match="carries no"):
        open_store(url)


def test_two_packages_for_one_scheme_are_an_error_that_names_both(install):
    install("plugin_one", "twice = plugin_one:PluginStore\n")
    install("plugin_two", "twice = plugin_two:PluginStore\n")
    with pytest.raises(RegistryError, match=r"'twice' is registered twice, by plugin_(one|two) and plugin_(one|two)"):
        open_store("twice://")


BROKEN = {
    "twice": ("one", PLUGIN, "registered twice"),
    "raising": (
        "two",
        "raise RuntimeError('secret words')",
        "'raising' of plugin_two is broken: .* raised RuntimeError",
    ),
    "nothing": ("three", "PluginStor = None", "'nothing' of plugin_three is broken: .* raised AttributeError"),
    "needy": ("four", "import no_such_engine", "needs the module 'no_such_engine'"),
}


def test_a_broken_backend_is_nobody_elses_problem(install):
    for scheme, (name, code, _) in BROKEN.items():
        install(f"plugin_{name}", f"{scheme} = plugin_{name}:PluginStore\n", code)
    install("plugin_five", "twice = plugin_five:PluginStore\nvarying = plugin_five:Varying\n", VARYING)
    assert type(store_from_dict(open_store("memory://").to_dict())).__name__ == "InMemoryMemoryStore"
    table = backends_table()
    assert table.startswith("| capability | `mem0://` | `mem0+oss://` | `memory://` | `varying://` | promise |")
    for scheme, (_, _, message) in BROKEN.items():
        with pytest.raises((RegistryError, MissingDependencyError), match=message) as failed:
            open_store(f"{scheme}://")
        assert "secret words" not in str(failed.value)
        assert str(failed.value) in table
    assert set(schemes()) >= {"memory", "varying", *BROKEN}


VARYING = (
    PLUGIN
    + """
class Varying(PluginStore):
    @property
    def capabilities(self):
        return frozenset({"list"})
"""
)


def test_a_store_whose_neighbour_lacks_something_is_loaded(install):
    install("plugin_one", "fine = plugin_one:PluginStore\nneedy = plugin_one.needy:Store\n")
    store = open_store("fine://")
    assert type(store_from_dict(store.to_dict())) is type(store)
    with pytest.raises((RegistryError, MissingDependencyError)):
        store_from_dict({"type": "plugin_one.needy.Store", "init_parameters": {}})


@pytest.mark.parametrize("url", ["memory://user:hunter2@ex\u2100mple.com", "memory://[hunter2", "my_store://hunter2"])
def test_a_url_that_is_none_is_refused_without_repeating_it(url):
    with pytest.raises(RegistryError) as refused:
        open_store(url)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_missing_dependency_is_the_pip_command_with_the_extra(install):
    install("plugin_one", "needy = plugin_one:PluginStore\n", "import no_such_engine.client", extras=["needy", "all"])
    with pytest.raises(MissingDependencyError, match=r'no_such_engine.*pip install "plugin_one\[needy\]"') as missing:
        open_store("needy://")
    assert missing.value.name == "no_such_engine"


def test_a_missing_dependency_without_an_extra_names_the_module(install):
    install("plugin_one", "needy = plugin_one:PluginStore\n", "import no_such_engine")
    with pytest.raises(MissingDependencyError, match="pip install no_such_engine$"):
        open_store("needy://")


LAZY = """
import importlib
from memstore_in_memory import InMemoryMemoryStore
class PluginStore(InMemoryMemoryStore):
    def __init__(self):
        importlib.import_module({module!r})
"""


def test_a_dependency_that_is_missed_late_is_the_pip_command_too(install):
    install("plugin_one", "needy = plugin_one:PluginStore\n", LAZY.format(module="no_such_engine"))
    for opening in (open_store, lambda _: store_from_dict({"type": "plugin_one.PluginStore", "init_parameters": {}})):
        with pytest.raises(MissingDependencyError, match="pip install no_such_engine$"):
            opening("needy://")


def test_a_part_that_an_installed_package_lacks_is_no_package_to_install(install):
    install("plugin_one", "needy = plugin_one:PluginStore\n", "import haystack.no_such_part")
    with pytest.raises(RegistryError, match=r"raised ModuleNotFoundError of haystack\.no_such_part"):
        open_store("needy://")


@pytest.mark.parametrize("url", [5, b"memory://", None])
def test_a_url_is_a_string(url):
    with pytest.raises(RegistryError, match="a string such as"):
        open_store(url)


def test_a_plugin_that_names_a_module_it_lacks_is_broken(install):
    install("plugin_one", "lost = plugin_lost:PluginStore\n")
    with pytest.raises(RegistryError, match="'lost' of plugin_one is broken"):
        open_store("lost://")


class TestFromDict:
    def test_installed_plugins_need_no_permission(self):
        store = open_store("memory://")
        assert type(store_from_dict(store.to_dict())) is type(store)

    def test_a_bound_store_is_resolved_inside_out(self):
        loaded = store_from_dict(bind(bind(open_store("memory://"), user_id="a"), run_id="r").to_dict())
        assert isinstance(loaded, BoundMemoryStore)
        assert loaded.scope.ids == {"user_id": "a", "run_id": "r"}

    @pytest.mark.parametrize(
        "kind",
        [
            "os.system",
            "subprocess.Popen",
            "support.stores.ListStore",
            "memstore_in_memory.os",
            "no.such.Thing",
            "builtins.eval",
        ],
    )
    def test_anything_else_is_refused(self, kind):
        with pytest.raises(RegistryError):
            store_from_dict({"type": kind, "init_parameters": {}})

    def test_a_plugins_package_is_no_way_to_its_other_classes(self, install):
        install("plugin_one", "one = plugin_one:PluginStore\n", PLUGIN + "\nclass Other(PluginStore): pass\n")
        with pytest.raises(RegistryError, match="not on the"):
            store_from_dict({"type": "plugin_one.Other", "init_parameters": {}})

    @pytest.mark.parametrize("data", [None, [], "memory://", {}, {"type": 5}])
    def test_what_is_no_serialised_store(self, data):
        with pytest.raises(RegistryError, match="with its class under 'type'"):
            store_from_dict(data)

    def test_what_the_user_allows_is_loaded(self, monkeypatch):
        monkeypatch.setenv("HAYSTACK_DESERIALIZATION_ALLOWLIST", "support")
        store = store_from_dict({"type": "support.stores.ListStore", "init_parameters": {}})
        assert type(store).__name__ == "ListStore"

    def test_what_is_no_store_is_refused(self, monkeypatch):
        monkeypatch.setenv("HAYSTACK_DESERIALIZATION_ALLOWLIST", "memstore")
        with pytest.raises(RegistryError, match="from_dict"):
            store_from_dict({"type": "memstore.filters.pushdown.Split", "init_parameters": {}})

    @pytest.mark.parametrize("data", [{}, {"type": 5}, {"type": "Store"}, {"type": ""}])
    def test_what_is_not_serialised_is_refused(self, data):
        with pytest.raises(RegistryError, match="'type'"):
            store_from_dict(data)


def test_importing_memstore_edits_no_allowlist():
    from haystack.core import serialization_security

    assert not [module for module in serialization_security._extra_allowed_modules if "memstore" in module]
