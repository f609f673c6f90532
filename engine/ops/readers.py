"""Reader ops, and the classes over them: TextLineReader, TFRecordReader and the others of TensorFlow 1.15."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..graph import Operation, Tensor
from ..inference import InferenceContext, no_outputs, scalar_shape
from ..queues import readers
from ..records import TFRecordOptions
from ..registry import op
from ..shapes import Sizes

_MAKES: dict[str, Any] = {
    "outputs": "reader_handle: resource", "shape": scalar_shape, "stateful": True, "touches_files": True,
}  # fmt: skip
_READS: dict[str, Any] = {"stateful": True, "blocking": True, "touches_files": True}


def _shared(context: Any, attrs: dict[str, Any], produce: Any) -> Any:
    name = attrs["shared_name"] or context.name
    return context.resources.object(attrs["container"] or "", name, lambda: readers.Reader(name, produce))


@op("IdentityReaderV2", **_MAKES)
def identity_reader_op(*, container: str = "", shared_name: str = "", name: str | None = None) -> Tensor:
    """A reader that gives the strings of its queue."""


@identity_reader_op.state
def identity_reader_state(context: Any, **attrs: Any) -> Any:
    return _shared(context, attrs, readers.identity)


@op("WholeFileReaderV2", **_MAKES)
def whole_file_reader_op(*, container: str = "", shared_name: str = "", name: str | None = None) -> Tensor:
    """A reader of whole files."""


@whole_file_reader_op.state
def whole_file_reader_state(context: Any, **attrs: Any) -> Any:
    return _shared(context, attrs, readers.whole_files)


@op("TextLineReaderV2", **_MAKES)
def text_line_reader_op(
    *, skip_header_lines: int = 0, container: str = "", shared_name: str = "", name: str | None = None
) -> Tensor:
    """A reader of lines."""


@text_line_reader_op.state
def text_line_reader_state(context: Any, **attrs: Any) -> Any:
    return _shared(context, attrs, readers.text_lines(attrs["skip_header_lines"] or 0))


@op("TFRecordReaderV2", **_MAKES)
def tf_record_reader_op(
    *, container: str = "", shared_name: str = "", compression_type: str = "", name: str | None = None
) -> Tensor:
    """A reader of TFRecord files."""


@tf_record_reader_op.state
def tf_record_reader_state(context: Any, **attrs: Any) -> Any:
    return _shared(context, attrs, readers.records(attrs["compression_type"] or ""))


@op("FixedLengthRecordReaderV2", **_MAKES)
def fixed_length_record_reader_op(
    *,
    header_bytes: int = 0,
    record_bytes: int,
    footer_bytes: int = 0,
    hop_bytes: int = 0,
    container: str = "",
    shared_name: str = "",
    encoding: str = "",
    name: str | None = None,
) -> Tensor:
    """A reader of records of one length."""


@fixed_length_record_reader_op.state
def fixed_length_record_reader_state(context: Any, **attrs: Any) -> Any:
    record, header, footer, hop = (attrs[f"{n}_bytes"] or 0 for n in ("record", "header", "footer", "hop"))
    return _shared(context, attrs, readers.fixed_length(record, header, footer, hop, attrs["encoding"] or ""))


@op("ReaderReadV2", "reader_handle: resource, queue_handle: resource", "key: string, value: string",
    shape=scalar_shape, **_READS)  # fmt: skip
def reader_read_op(reader_handle: Any, queue_handle: Any, *, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The next record, as key and value; waits for work from the queue."""


@reader_read_op.state
def reader_read_state(context: Any, reader: Any, queue: Any) -> Any:
    return reader.read(queue, context.cancellation)


@op("ReaderReadUpToV2", "reader_handle: resource, queue_handle: resource, num_records: int64",
    "keys: string, values: string", **_READS)  # fmt: skip
def reader_read_up_to_op(
    reader_handle: Any, queue_handle: Any, num_records: Any, *, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """One to `num_records` records, as vectors of keys and values."""


@reader_read_up_to_op.shape
def reader_read_up_to_shape(context: InferenceContext) -> list[Sizes]:
    return [(None,), (None,)]


@reader_read_up_to_op.state
def reader_read_up_to_state(context: Any, reader: Any, queue: Any, number: Any) -> Any:
    found = reader.read_up_to(queue, int(number), context.cancellation)
    return tuple(np.array(list(column), object) for column in zip(*found, strict=True))


@op("ReaderNumRecordsProducedV2", "reader_handle: resource", "records_produced: int64", shape=scalar_shape,
    stateful=True)  # fmt: skip
def reader_num_records_produced_op(reader_handle: Any, *, name: str | None = None) -> Tensor:
    """How many records a reader has given."""


@reader_num_records_produced_op.state
def reader_num_records_produced_state(context: Any, reader: Any) -> Any:
    return np.array(reader.records_produced)


@op("ReaderNumWorkUnitsCompletedV2", "reader_handle: resource", "units_completed: int64", shape=scalar_shape,
    stateful=True)  # fmt: skip
def reader_num_work_units_completed_op(reader_handle: Any, *, name: str | None = None) -> Tensor:
    """How many files a reader has come to the end of."""


@reader_num_work_units_completed_op.state
def reader_num_work_units_completed_state(context: Any, reader: Any) -> Any:
    return np.array(reader.work_units_completed)


@op("ReaderResetV2", "reader_handle: resource", shape=no_outputs, stateful=True)
def reader_reset_op(reader_handle: Any, *, name: str | None = None) -> Operation:
    """Takes a reader back to its first state."""


@reader_reset_op.state
def reader_reset_state(context: Any, reader: Any) -> None:
    reader.reset()


class ReaderResult(NamedTuple):
    """A record: what names it, and its contents."""

    key: Tensor
    value: Tensor


class ReaderBase:
    """What all readers share: they read the files that a queue of names (string scalars) gives them."""

    def __init__(self, reader_ref: Tensor) -> None:
        self._reader_ref = reader_ref

    @property
    def reader_ref(self) -> Tensor:
        """The handle."""
        return self._reader_ref

    @property
    def supports_serialize(self) -> bool:
        """Whether the state can be saved: no."""
        return False

    def read(self, queue: Any, name: str | None = None) -> ReaderResult:
        """The next record, as two string scalars.

        Raises (when run):
            OutOfRangeError: the queue is closed, and all its files are read.
        """
        return ReaderResult(*reader_read_op(self._reader_ref, _handle(queue), name=name))

    def read_up_to(self, queue: Any, num_records: Any, name: str | None = None) -> ReaderResult:
        """One to `num_records` records, as two string vectors."""
        return ReaderResult(*reader_read_up_to_op(self._reader_ref, _handle(queue), num_records, name=name))

    def num_records_produced(self, name: str | None = None) -> Tensor:
        """How many records were read, int64."""
        return reader_num_records_produced_op(self._reader_ref, name=name)

    def num_work_units_completed(self, name: str | None = None) -> Tensor:
        """How many files were read to their end, int64."""
        return reader_num_work_units_completed_op(self._reader_ref, name=name)

    def reset(self, name: str | None = None) -> Operation:
        """An operation that makes the reader forget the file it is in, and its counts."""
        return reader_reset_op(self._reader_ref, name=name)


def _handle(queue: Any) -> Tensor:
    return queue if isinstance(queue, Tensor) else queue.queue_ref


class IdentityReader(ReaderBase):
    """Gives each string of the queue as key and value, as tf.IdentityReader of TF 1.15."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(identity_reader_op(name=name))


class WholeFileReader(ReaderBase):
    """Gives each file as one record, as tf.WholeFileReader of TF 1.15."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(whole_file_reader_op(name=name))


class TextLineReader(ReaderBase):
    """Gives lines without their ends, as tf.TextLineReader of TF 1.15; the first `skip_header_lines` are left out."""

    def __init__(self, skip_header_lines: int | None = None, name: str | None = None) -> None:
        super().__init__(text_line_reader_op(skip_header_lines=skip_header_lines or 0, name=name))


class FixedLengthRecordReader(ReaderBase):
    """Gives records of `record_bytes`, as tf.FixedLengthRecordReader of TF 1.15.

    Args:
        record_bytes: of a record.
        header_bytes: at the start of a file, left out.
        footer_bytes: at its end, left out.
        hop_bytes: from the start of one record to that of the next; `record_bytes` if none.
        name: of the operation.
        encoding: None, "ZLIB" or "GZIP": how files are compressed.
    """

    def __init__(
        self,
        record_bytes: int,
        header_bytes: int | None = None,
        footer_bytes: int | None = None,
        hop_bytes: int | None = None,
        name: str | None = None,
        encoding: str | None = None,
    ) -> None:
        ref = fixed_length_record_reader_op(
            record_bytes=record_bytes,
            header_bytes=header_bytes or 0,
            footer_bytes=footer_bytes or 0,
            hop_bytes=hop_bytes or 0,
            encoding=encoding or "",
            name=name,
        )
        super().__init__(ref)


class TFRecordReader(ReaderBase):
    """Gives the records of TFRecord files, as tf.TFRecordReader of TF 1.15; `options` say how they are compressed."""

    def __init__(self, name: str | None = None, options: Any = None) -> None:
        compression = TFRecordOptions.get_compression_type_string(options) or ""
        super().__init__(tf_record_reader_op(compression_type=compression, name=name))
