"""TFRecord files: byte strings in sequence, with lengths and checksums, plain or compressed.

TensorFlow 1.15's names for them (tf.python_io) are at the end.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, ClassVar, Final, Literal, Self, TypeAlias

from .crc32c import Buffer, masked_crc32c
from .errors import DataLossError, NotFoundError, PermissionDeniedError, file_error

Compression: TypeAlias = Literal["", "GZIP", "ZLIB"] | None
Filename: TypeAlias = str | Path

MAX_RECORD_BYTES: Final = 2**31 - 1  # what a protobuf message can hold
_LENGTH: Final = struct.Struct("<Q")
_CHECKSUM: Final = struct.Struct("<I")
_HEADER_BYTES: Final = _LENGTH.size + _CHECKSUM.size
_PIECE: Final = 1 << 20  # bytes read at a time, so that a false length allocates no more than that
_BUFFER: Final = 1 << 16
_WINDOW_BITS: Final = {"GZIP": 31, "ZLIB": 15}  # zlib's numbers for the two headers


def frame(record: Buffer) -> bytes:
    """Returns `record` as it lies in a file: length, checksum of that, record, its checksum."""
    length = _LENGTH.pack(memoryview(record).nbytes)
    header = length + _CHECKSUM.pack(masked_crc32c(length))
    return b"".join((header, record, _CHECKSUM.pack(masked_crc32c(record))))


class RecordWriter:
    """Writes a TFRecord file; a context manager that closes it.

    Args:
        path: the file, which is made anew.
        compression: None, "GZIP" or "ZLIB" for the file as a whole.
        level: zlib's, 0 to 9; -1 is its default.
    """

    def __init__(self, path: Filename, compression: Compression = None, level: int = -1) -> None:
        window_bits = _window_bits(compression)
        self._path = path
        self._deflate = zlib.compressobj(level, wbits=window_bits) if window_bits else None
        try:
            self._stream: BinaryIO | None = Path(path).open("wb")
        except OSError as error:
            raise file_error(path, error) from error

    def write(self, record: Buffer) -> None:
        """Appends a record; TypeError unless it is bytes."""
        if not isinstance(record, bytes | bytearray | memoryview):
            raise TypeError(f"record must be bytes, got {type(record).__name__}")
        framed = frame(record)
        self._open_stream().write(self._deflate.compress(framed) if self._deflate else framed)

    def flush(self) -> None:
        """Hands what was written so far to the operating system, so that it can be read."""
        stream = self._open_stream()
        if self._deflate is not None:
            stream.write(self._deflate.flush(zlib.Z_SYNC_FLUSH))
        stream.flush()

    def close(self) -> None:
        """Ends the file; a second call does nothing."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        with stream:
            if self._deflate is not None:
                stream.write(self._deflate.flush())

    def _open_stream(self) -> BinaryIO:
        if self._stream is None:
            raise ValueError(f"{self._path}: the record writer is closed")
        return self._stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def read_records(
    path: Filename,
    compression: Compression = None,
    tolerate_cut_tail: bool = False,
    max_record_bytes: int = MAX_RECORD_BYTES,
) -> Iterator[bytes]:
    """Yields the records of a TFRecord file, their checksums checked.

    Args:
        path: the file.
        compression: None, "GZIP" or "ZLIB": how the file was written.
        tolerate_cut_tail: end quietly at a last record that is not whole, as a writer that was
            killed leaves behind.
        max_record_bytes: longer records are refused; no more than this is ever held.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: a checksum that is wrong, a record that is cut or too long. It names file and
            byte offset of the record (after decompression), and comes after all records before it.
    """
    window_bits = _window_bits(compression)
    with _opened(path) as stream:
        yield from _Reader(path, stream, window_bits, tolerate_cut_tail, max_record_bytes).records()


def _window_bits(compression: Compression) -> int:
    if not compression:
        return 0
    if compression not in _WINDOW_BITS:
        raise ValueError(f"compression must be None, 'GZIP' or 'ZLIB', got {compression!r}")
    return _WINDOW_BITS[compression]


def _opened(path: Filename) -> BinaryIO:
    try:
        return Path(path).open("rb", _BUFFER)
    except FileNotFoundError:
        raise NotFoundError(None, None, f"{path}: no such record file") from None
    except PermissionError:
        raise PermissionDeniedError(None, None, f"{path}: may not be read") from None
    except OSError as error:
        raise file_error(path, error) from error


class _Reader:
    """The position in a file and what is checked there."""

    def __init__(self, path: Filename, stream: BinaryIO, window_bits: int, tolerant: bool, limit: int) -> None:
        self.path = path
        self.inflating = _Inflating(stream, window_bits) if window_bits else None
        self.source = io.BufferedReader(self.inflating, _BUFFER) if self.inflating else stream
        self.tolerant = tolerant
        self.limit = limit
        self.offset = 0

    def records(self) -> Iterator[bytes]:
        while len(header := self.read(_HEADER_BYTES)) == _HEADER_BYTES:
            length = self.checked_length(header)
            record = self.read(length)
            checksum = self.read(_CHECKSUM.size)
            if len(checksum) < _CHECKSUM.size:
                return self.cut()
            self.check(record, checksum)
            yield record
            self.offset += _HEADER_BYTES + length + _CHECKSUM.size
        if header or (self.inflating and not self.inflating.is_whole):
            self.cut()

    def read(self, size: int) -> bytes:
        pieces = []
        try:
            while size and (piece := self.source.read(min(size, _PIECE))):
                pieces.append(piece)
                size -= len(piece)
        except zlib.error as error:
            raise self.damaged(f"cannot be decompressed: {error}") from None
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def checked_length(self, header: bytes) -> int:
        length: int = _LENGTH.unpack_from(header)[0]
        if masked_crc32c(header[: _LENGTH.size]) != _CHECKSUM.unpack_from(header, _LENGTH.size)[0]:
            raise self.damaged("the checksum of its length is wrong")
        if length > self.limit:
            raise self.damaged(f"it has {length} bytes, more than the {self.limit} allowed")
        return length

    def check(self, record: bytes, checksum: bytes) -> None:
        if masked_crc32c(record) != _CHECKSUM.unpack(checksum)[0]:
            raise self.damaged("the checksum of its data is wrong")

    def cut(self) -> None:
        if not self.tolerant:
            raise self.damaged("the file ends before it does")

    def damaged(self, what: str) -> DataLossError:
        where = f"{self.path}: the record at byte offset {self.offset} is damaged"
        return DataLossError(None, None, f"{where}: {what}")


class _Inflating(io.RawIOBase):
    """Decompresses a stream as it is read; the members of a gzip file count as one."""

    def __init__(self, stream: BinaryIO, window_bits: int) -> None:
        self.stream = stream
        self.window_bits = window_bits
        self.inflate = zlib.decompressobj(window_bits)
        self.waiting = b""

    @property
    def is_whole(self) -> bool:
        return self.inflate.eof and not self.waiting

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while True:
            self.waiting = self.waiting or self.stream.read(io.DEFAULT_BUFFER_SIZE)
            if self.inflate.eof and self.waiting:
                self.inflate = zlib.decompressobj(self.window_bits)
            ended = not self.waiting
            piece = self.inflate.decompress(self.waiting, len(buffer))
            self.waiting = self.inflate.unconsumed_tail or self.inflate.unused_data
            if piece or ended:
                buffer[: len(piece)] = piece
                return len(piece)


class TFRecordCompressionType:
    """The ways in which a record file can be compressed, as TF 1.15."""

    NONE: ClassVar[int] = 0
    ZLIB: ClassVar[int] = 1
    GZIP: ClassVar[int] = 2


class TFRecordOptions:
    """How a record file is compressed, as TF 1.15; of zlib's settings only the level is taken.

    Args:
        compression_type: a TFRecordCompressionType, or "", "ZLIB" or "GZIP".
        compression_level: zlib's, 0 to 9.
    """

    compression_type_map: ClassVar[dict[int, Compression]] = {
        TFRecordCompressionType.NONE: "",
        TFRecordCompressionType.ZLIB: "ZLIB",
        TFRecordCompressionType.GZIP: "GZIP",
    }

    def __init__(
        self,
        compression_type: int | str | None = None,
        flush_mode: int | None = None,
        input_buffer_size: int | None = None,
        output_buffer_size: int | None = None,
        window_bits: int | None = None,
        compression_level: int | None = None,
        compression_method: int | None = None,
        mem_level: int | None = None,
        compression_strategy: int | None = None,
    ) -> None:
        self.compression_type = compression_type
        self.compression_level = compression_level
        self.get_compression_type_string(compression_type)

    @classmethod
    def get_compression_type_string(cls, options: TFRecordOptions | int | str | None) -> Compression:
        """Returns "", "ZLIB" or "GZIP"; ValueError for anything that is no compression."""
        kind = options.compression_type if isinstance(options, TFRecordOptions) else options
        for number, name in cls.compression_type_map.items():
            if kind in (number, name):
                return name
        if kind is None:
            return ""
        raise ValueError(f"Not a valid compression_type: {kind!r}")


class TFRecordWriter(RecordWriter):
    """Writes records to a file, as tf.python_io.TFRecordWriter of TF 1.15."""

    def __init__(self, path: Filename, options: TFRecordOptions | int | str | None = None) -> None:
        level = options.compression_level if isinstance(options, TFRecordOptions) else None
        compression = TFRecordOptions.get_compression_type_string(options)
        super().__init__(path, compression, -1 if level is None else level)


def tf_record_iterator(path: Filename, options: TFRecordOptions | int | str | None = None) -> Iterator[bytes]:
    """Yields the records of a file, as tf.python_io.tf_record_iterator of TF 1.15.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: as `read_records`.
    """
    return read_records(path, TFRecordOptions.get_compression_type_string(options))
