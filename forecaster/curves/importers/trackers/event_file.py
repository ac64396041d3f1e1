"""TensorBoard's event files: records with check sums (TFRecord), each a protocol buffer; read without TensorFlow.

Of ``Event``: 2 step, 5 summary. Of a summary's ``Value``: 1 tag, 2 simple_value, 8 tensor, 9 metadata. Of
``TensorProto``: 1 dtype, 4 tensor_content, 5 float_val, 6 double_val. Of ``SummaryMetadata``: 1 plugin (1 name,
2 content). Sources: ``event.proto``, ``summary.proto``, ``tensor.proto`` of TensorFlow; ``plugin_data.proto`` of the
plugin hparams of TensorBoard.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

FLOAT, DOUBLE = 1, 2  # of a tensor's dtype
MASK = 0xA282EAD8


def _table() -> tuple[int, ...]:
    """CRC-32C (Castagnoli), a byte at a time."""
    made = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        made.append(byte)
    return tuple(made)


CASTAGNOLI = _table()
CHECKED = 1 << 12  # bytes of the longest record whose sum is looked at: scalars are short, images are not


@dataclass(frozen=True)
class Value:
    """A value of a summary: a number, or the content that a plugin stored with it."""

    step: int
    tag: str
    number: float | None
    plugin: bytes = b""


def masked_crc(data: bytes) -> int:
    """The check sum that stands behind a record."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ CASTAGNOLI[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + MASK) & 0xFFFFFFFF


def records(data: bytes) -> Iterator[bytes]:
    """The records of a file; one that is cut off at its end, as a run that is going on leaves it, is left out.

    ValueError where a check sum is wrong.
    """
    at = 0
    while at + 12 <= len(data):
        length, check = struct.unpack_from("<QI", data, at)
        if masked_crc(data[at : at + 8]) != check:
            raise ValueError(f"the record at byte {at} has a wrong check sum")
        end = at + 12 + length
        if end + 4 > len(data):
            return
        record = data[at + 12 : end]
        if length <= CHECKED and masked_crc(record) != struct.unpack_from("<I", data, end)[0]:
            raise ValueError(f"the record at byte {at} has a wrong check sum")
        yield record
        at = end + 4


def values(data: bytes) -> Iterator[Value]:
    """The values of all summaries of a file, in its order."""
    for record in records(data):
        event = list(fields(record))
        step = next((_signed(value) for number, value in event if number == 2 and isinstance(value, int)), 0)
        for number, summary in event:
            if number == 5 and isinstance(summary, bytes):
                yield from (_value(step, one) for n, one in fields(summary) if n == 1 and isinstance(one, bytes))


def _value(step: int, data: bytes) -> Value:
    tag, number, plugin = "", None, b""
    for field, value in fields(data):
        if field == 1 and isinstance(value, bytes):
            tag = value.decode()
        elif field == 2 and isinstance(value, bytes):
            number = struct.unpack("<f", value)[0]
        elif field == 8 and isinstance(value, bytes):
            number = _number_in_tensor(value)
        elif field == 9 and isinstance(value, bytes):
            plugin = _content(value)
    return Value(step, tag, number, plugin)


def _number_in_tensor(data: bytes) -> float | None:
    """The one number of a tensor; None for tensors of several, or of other kinds."""
    parts: dict[int, bytes | int] = dict(fields(data))
    kind = parts.get(1)
    width, code = {FLOAT: (4, "<f"), DOUBLE: (8, "<d")}.get(kind if isinstance(kind, int) else 0, (0, ""))
    content = next((parts[n] for n in (4, 5, 6) if n in parts), b"")
    return struct.unpack(code, content)[0] if width and isinstance(content, bytes) and len(content) == width else None


def _content(metadata: bytes) -> bytes:
    """What the plugin ``hparams`` stored."""
    plugin = next((value for number, value in fields(metadata) if number == 1 and isinstance(value, bytes)), b"")
    parts: dict[int, bytes | int] = dict(fields(plugin))
    content = parts.get(2, b"")
    return content if parts.get(1) == b"hparams" and isinstance(content, bytes) else b""


def hyperparameters(content: bytes) -> dict[str, str | float | bool]:
    """The hyper-parameters in a ``session_start_info`` (3 of the content; its 1 is a map to values)."""
    start = next((value for number, value in fields(content) if number == 3 and isinstance(value, bytes)), b"")
    found: dict[str, str | float | bool] = {}
    for number, entry in fields(start):
        if number != 1 or not isinstance(entry, bytes):
            continue
        parts: dict[int, bytes | int] = dict(fields(entry))
        name, held = parts.get(1), parts.get(2)
        if isinstance(name, bytes) and isinstance(held, bytes):
            for kind, value in fields(held):  # of google.protobuf.Value: 2 a number, 3 a text, 4 a truth
                if kind == 2 and isinstance(value, bytes):
                    found[name.decode()] = struct.unpack("<d", value)[0]
                elif kind == 3 and isinstance(value, bytes):
                    found[name.decode()] = value.decode()
                elif kind == 4 and isinstance(value, int):
                    found[name.decode()] = bool(value)
    return found


# Protocol buffers ---------------------------------------------------------------------------------


def fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Numbers and values of a message's fields: whole numbers as such, all else as bytes. ValueError if malformed."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == 2:
            width, at = _varint(data, at)
        elif kind in (1, 5):
            width = 8 if kind == 1 else 4
        else:
            raise ValueError(f"a field of the unknown kind {kind}")
        if at + width > len(data):
            raise ValueError("a field that is longer than its message")
        yield key >> 3, data[at : at + width]
        at += width


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        if at >= len(data):
            raise ValueError("a number that is cut off")
        byte = data[at]
        value |= (byte & 0x7F) << (7 * place)
        at += 1
        if byte < 0x80:
            return value, at
    raise ValueError("a number of more than ten bytes")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
