"""The warehouse: opens the DuckDB file, creates its tables, runs queries and is the only writer.

A DuckDB file has one writer, and while it is open no other process can even read it; so a store is opened
for as short as possible, and opening waits a while for another process to finish.
"""

from pipeline.store.opening import MEMORY, PUBLISHED, WAREHOUSE, attach, copy_store, open_file, open_store
from pipeline.store.views import KEPT, QUERY_VIEWS, tables_read
from pipeline.store.warehouse import MODEST_MEBIBYTES, Space, Store

__all__ = [
    "KEPT",
    "MEMORY",
    "MODEST_MEBIBYTES",
    "PUBLISHED",
    "QUERY_VIEWS",
    "WAREHOUSE",
    "Space",
    "Store",
    "attach",
    "copy_store",
    "open_file",
    "open_store",
    "tables_read",
]
