"""The table of stores: a name, and the function that opens one, imported when it is used."""

from __future__ import annotations

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.store.local.checkout import Checkout
from meta_experiment.store.ports import Store
from meta_experiment.table import entry

FILES = "files"
BACKENDS = {
    FILES: "meta_experiment.store.local.store:open_store",
    "postgres": "meta_experiment.store.postgres.store:open_store",
}


def open_store(backend: str, layout: Layout, files: FileSystem, checkout: Checkout) -> Store:
    """Open the store of a root as a checkout sees it; touches nothing."""
    store: Store = entry(BACKENDS[backend])(layout, files, checkout)
    return store
