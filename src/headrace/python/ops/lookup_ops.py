"""The names of `tensorflow.python.ops.lookup_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.lookup import (
        HasherSpec,
        IdTableWithHashBuckets,
        KeyValueTensorInitializer,
        LookupInterface,
        MutableHashTable,
        StaticHashTable,
        StaticHashTable as HashTable,
        StaticHashTable as StaticHashTableV1,
        StrongHashSpec,
        TableInitializerBase,
        TextFileIdTableInitializer,
        TextFileIndex,
        TextFileInitializer,
        TextFileStringTableInitializer,
        index_table_from_file,
        index_table_from_tensor,
        index_to_string_table_from_file,
        index_to_string_table_from_tensor,
        initialize_all_tables,
        tables_initializer,
    )

__all__ = [
    "HashTable", "HasherSpec", "IdTableWithHashBuckets", "KeyValueTensorInitializer", "LookupInterface",
    "MutableHashTable", "StaticHashTable", "StaticHashTableV1", "StrongHashSpec", "TableInitializerBase",
    "TextFileIdTableInitializer", "TextFileIndex", "TextFileInitializer", "TextFileStringTableInitializer",
    "index_table_from_file", "index_table_from_tensor", "index_to_string_table_from_file",
    "index_to_string_table_from_tensor", "initialize_all_tables", "tables_initializer",
]  # fmt: skip

_PLACES: Places = {
    "HashTable": ("...engine.lookup", "StaticHashTable"),
    "HasherSpec": ("...engine.lookup", "HasherSpec"),
    "IdTableWithHashBuckets": ("...engine.lookup", "IdTableWithHashBuckets"),
    "KeyValueTensorInitializer": ("...engine.lookup", "KeyValueTensorInitializer"),
    "LookupInterface": ("...engine.lookup", "LookupInterface"),
    "MutableHashTable": ("...engine.lookup", "MutableHashTable"),
    "StaticHashTable": ("...engine.lookup", "StaticHashTable"),
    "StaticHashTableV1": ("...engine.lookup", "StaticHashTable"),
    "StrongHashSpec": ("...engine.lookup", "StrongHashSpec"),
    "TableInitializerBase": ("...engine.lookup", "TableInitializerBase"),
    "TextFileIdTableInitializer": ("...engine.lookup", "TextFileIdTableInitializer"),
    "TextFileIndex": ("...engine.lookup", "TextFileIndex"),
    "TextFileInitializer": ("...engine.lookup", "TextFileInitializer"),
    "TextFileStringTableInitializer": ("...engine.lookup", "TextFileStringTableInitializer"),
    "index_table_from_file": ("...engine.lookup", "index_table_from_file"),
    "index_table_from_tensor": ("...engine.lookup", "index_table_from_tensor"),
    "index_to_string_table_from_file": ("...engine.lookup", "index_to_string_table_from_file"),
    "index_to_string_table_from_tensor": ("...engine.lookup", "index_to_string_table_from_tensor"),
    "initialize_all_tables": ("...engine.lookup", "initialize_all_tables"),
    "tables_initializer": ("...engine.lookup", "tables_initializer"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
