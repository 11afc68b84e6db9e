"""The table of stores: a name, and the module that opens one, imported when it is used."""

from __future__ import annotations

from importlib import import_module

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.store.local.checkout import Checkout
from meta_experiment.store.ports import Store

FILES = "files"
BACKENDS = {FILES: "meta_experiment.store.local.store"}


def open_store(backend: str, layout: Layout, files: FileSystem, checkout: Checkout) -> Store:
    """Open the store of a root as a checkout sees it; touches nothing."""
    store: Store = import_module(BACKENDS[backend]).open_store(layout, files, checkout)
    return store
