"""Datasets of comma-separated values and of Example records: CsvDataset, make_csv_dataset and their like."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from ..engine.dtypes import DType, as_dtype, float32, float64, int32, int64, of_array
from ..engine.errors import InvalidArgumentError
from ..engine.graph import Tensor
from ..engine.ops.decoding import decode_csv_kernel, fields_of
from ..engine.platform.gfile import Glob
from .dataset import Dataset
from .experimental import ignore_errors as without_errors
from .files import TFRecordDataset, file_names, lines_of
from .matching import text_of
from .running import Element, Elements, Generated, Mapped, Run
from .sources import array_of
from .structure import TensorSpec


def records_of(path: str, compression: str, quotes: bool) -> Iterator[bytes]:
    """The records of a file: lines, or several lines where a quoted field holds the ends of lines."""
    held = b""
    for line in lines_of(path, compression):
        held = held + b"\n" + line if held else line
        if quotes and held.count(b'"') % 2:
            continue
        if held:
            yield held
        held = b""
    if held:
        yield held


class CsvDataset(Dataset):
    """The records of CSV files as tuples of scalars.

    Args:
        filenames: a string, several, or a dataset of them.
        record_defaults: for each column a value for empty fields, or a dtype where a field must not be empty.
        compression_type: None, "GZIP" or "ZLIB".
        buffer_size: accepted.
        header: whether the first record of each file is left out.
        field_delim: between fields.
        use_quote_delim: whether fields may be in double quotes.
        na_value: text that counts as empty.
        select_cols: numbers of the columns that are read, in rising order; all by default.

    Raises (when run):
        InvalidArgumentError: a field is missing, or is no number; the message names the record, from 1 on, and file.
    """

    def __init__(
        self,
        filenames: Any,
        record_defaults: Sequence[Any],
        compression_type: str | None = None,
        buffer_size: Any = None,
        header: bool = False,
        field_delim: str = ",",
        use_quote_delim: bool = True,
        na_value: str = "",
        select_cols: Sequence[int] | None = None,
    ) -> None:
        names = file_names(filenames)
        defaults = [_default(d) for d in record_defaults]
        settings: dict[str, Any] = {
            "field_delim": field_delim,
            "use_quote_delim": use_quote_delim,
            "na_value": na_value,
        }

        def decode(element: Element) -> Element:
            record, name, number = element
            try:
                columns = decode_csv_kernel(
                    np, np.array(record, object), defaults, select_cols=list(select_cols or []), **settings
                )
            except InvalidArgumentError as error:
                text = error.message.replace(" in record 0", "")
                raise InvalidArgumentError(None, None, f"{text} (record {number} of {name})") from None
            return [np.asarray(column) for column in columns]

        def read(files: Elements) -> Iterator[Element]:
            for (file,) in files:
                name = text_of(file)
                found = enumerate(records_of(name, compression_type or "", use_quote_delim), 1)
                yield from ([record, name, number] for number, record in islice(found, 1 if header else 0, None))

        def make(run: Run) -> Elements:
            return Mapped(Generated(read(names.begin(run))), decode, pure=True)

        super().__init__(tuple(TensorSpec((), of_array(d)) for d in defaults), names.tensors, make, [names])


def _default(value: Any) -> np.ndarray[Any, Any]:
    """A default as an array; an empty one where a field must be there."""
    if isinstance(value, DType | type):
        return np.empty(0, as_dtype(value).numpy)
    if isinstance(value, Tensor):
        from ..engine.static import constant_value  # defaults are seldom tensors

        known = constant_value(value)
        if known is None:
            raise ValueError(f"record_defaults must be known while the graph is built, got {value!r}")
        return np.atleast_1d(known)
    return np.atleast_1d(array_of(value))


def column_names_of(path: str, compression: str, delimiter: str, quotes: bool) -> list[str]:
    """The fields of a file's first record."""
    first = next(records_of(path, compression, quotes), None)
    if first is None:
        raise ValueError(f"Received empty file: {path}")
    return [field.decode() for field in fields_of(first, delimiter.encode(), quotes)]


def _inferred(rows: Sequence[Sequence[bytes]], column: int, na_value: str) -> Any:
    for dtype in (int32, int64, float32, float64):
        values = [row[column] for row in rows if row[column] not in (b"", na_value.encode())]
        if all(_fits(value, dtype) for value in values):
            return np.zeros(1, dtype.numpy)
    return np.array([b""], object)


def _fits(text: bytes, dtype: DType) -> bool:
    try:
        number = float(text) if dtype in (float32, float64) else int(text)
    except ValueError:
        return False
    if dtype in (int32, int64):
        return int(dtype.min) <= number <= int(dtype.max)
    # Numbers beyond float32 are kept in float64.
    return dtype == float64 or abs(number) <= float(dtype.max) or number in (float("inf"), float("-inf"))


def _files(pattern: Any) -> list[str]:
    patterns = [pattern] if isinstance(pattern, str) else list(pattern)
    found = sorted({name for p in patterns for name in Glob(p)})
    if not found:
        raise ValueError(f"No files match {pattern}.")
    return found


def make_csv_dataset(
    file_pattern: Any,
    batch_size: int,
    column_names: Sequence[str] | None = None,
    column_defaults: Sequence[Any] | None = None,
    label_name: str | None = None,
    select_columns: Sequence[Any] | None = None,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    header: bool = True,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: int = 10000,
    shuffle_seed: int | None = None,
    prefetch_buffer_size: int | None = None,
    num_parallel_reads: int | None = None,
    sloppy: bool = False,
    num_rows_for_inference: int | None = 100,
    compression_type: str | None = None,
    ignore_errors: bool = False,
) -> Dataset:
    """Batches of CSV files' records as dicts by column name, with the label apart if it has a name.

    Args:
        file_pattern: names or patterns of files, in order.
        batch_size: records a batch.
        column_names: of all columns; those in the first file's header by default.
        column_defaults: as in CsvDataset, for the columns that are read; inferred from the first rows by default.
        label_name: the column that is the label: elements are then (features, label).
        select_columns: names or numbers of the columns that are read.
        field_delim: between fields.
        use_quote_delim: whether fields may be in double quotes.
        na_value: text that counts as empty.
        header: whether files begin with a record of names.
        num_epochs: passes over the data, None for no end; then only full batches come.
        shuffle: draw records from a buffer.
        shuffle_buffer_size: of that buffer.
        shuffle_seed: of its order.
        prefetch_buffer_size: batches that are made ahead; as many as seems good by default.
        num_parallel_reads: files read in turns.
        sloppy: accepted.
        num_rows_for_inference: rows that dtypes are inferred from, None for all.
        compression_type: None, "GZIP" or "ZLIB".
        ignore_errors: leave out records that cannot be read.

    Raises:
        ValueError: there is no such file, or a column that is named does not exist.
    """
    files, compression = _files(file_pattern), compression_type or ""
    names = list(column_names or column_names_of(files[0], compression, field_delim, use_quote_delim))
    if column_names is None and not header:
        raise ValueError("Cannot infer column names without a header: give column_names.")
    if len(set(names)) != len(names):
        raise ValueError("Cannot have duplicate column names.")
    chosen = _chosen(names, select_columns)
    if label_name is not None and label_name not in [names[i] for i in chosen]:
        raise ValueError("`label_name` provided must be one of the columns.")
    if column_defaults is None:
        sample = records_of(files[0], compression, use_quote_delim)
        last = None if num_rows_for_inference is None else num_rows_for_inference + header
        rows = [fields_of(r, field_delim.encode(), use_quote_delim) for r in islice(sample, int(header), last)]
        column_defaults = [_inferred(rows, i, na_value) for i in chosen]

    def records(name: Any) -> Dataset:
        data: Dataset = CsvDataset(
            name, column_defaults, compression_type, None, header, field_delim, use_quote_delim, na_value, chosen
        )
        return data.apply(without_errors()) if ignore_errors else data

    def features(*columns: Any) -> Any:
        by_name = dict(zip([names[i] for i in chosen], columns, strict=True))
        return by_name if label_name is None else (by_name, by_name.pop(label_name))

    data = Dataset.from_tensor_slices(files).interleave(records, num_parallel_reads or 1)
    data = _shuffled_and_repeated(data, num_epochs, shuffle, shuffle_buffer_size, shuffle_seed)
    batches = data.batch(batch_size, num_epochs is None).map(features)
    return batches.prefetch(-1 if prefetch_buffer_size is None else prefetch_buffer_size)


def _chosen(names: Sequence[str], wanted: Sequence[Any] | None) -> list[int]:
    if wanted is None:
        return list(range(len(names)))
    unknown = [c for c in wanted if c not in names and not (isinstance(c, int) and 0 <= c < len(names))]
    if unknown:
        raise ValueError(f"select_columns names {unknown}; there are the columns {list(names)}")
    return sorted(c if isinstance(c, int) else list(names).index(c) for c in wanted)


def _shuffled_and_repeated(
    data: Dataset, epochs: int | None, shuffle: bool, buffer_size: int, seed: int | None
) -> Dataset:
    data = data.shuffle(buffer_size, seed) if shuffle else data
    return data if epochs == 1 else data.repeat(epochs)


def make_batched_features_dataset(
    file_pattern: Any,
    batch_size: int,
    features: dict[str, Any],
    reader: Callable[..., Dataset] = TFRecordDataset,
    label_key: str | None = None,
    reader_args: Sequence[Any] | None = None,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: int = 10000,
    shuffle_seed: int | None = None,
    prefetch_buffer_size: int | None = None,
    reader_num_threads: int | None = None,
    parser_num_threads: int | None = None,
    sloppy_ordering: bool = False,
    drop_final_batch: bool = False,
) -> Dataset:
    """Batches of parsed Example messages from files, as dicts of tensors; see make_csv_dataset for the arguments."""
    from ..engine.ops.parsing import parse_example  # messages are imported only where they are read

    def parsed(serialized: Any) -> Any:
        found = parse_example(serialized, features)
        return found if label_key is None else (found, found.pop(label_key))

    files = Dataset.list_files(file_pattern, shuffle, shuffle_seed)
    data = files.interleave(lambda name: reader(name, *(reader_args or [])), reader_num_threads or 1)
    data = _shuffled_and_repeated(data, num_epochs, shuffle, shuffle_buffer_size, shuffle_seed)
    data = data.batch(batch_size, drop_final_batch or num_epochs is None).map(parsed, parser_num_threads)
    return data.prefetch(1 if prefetch_buffer_size is None else prefetch_buffer_size)
