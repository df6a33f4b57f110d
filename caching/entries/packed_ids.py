"""Ids as bytes of equal width, the greatest bytes first: packed lists compare as their first ids do.

The first byte names the width, in this order: four bytes, eight bytes, eight bytes with a sign. An empty list is b"",
which is less than all others. Comparing many lists by their first id thus takes no decoding, unless ids are negative.
"""

import struct
from collections.abc import Sequence

WIDTHS = {"I": 4, "Q": 8, "q": 8}
"""The bytes of an id, by the formats of struct that the first byte of a packed list names."""
FORMATS = {ord(each): each for each in WIDTHS}


def pack(ids: Sequence[int]) -> bytes:
    """Return ids as bytes; raises OverflowError for ids that no column of integers has."""
    if not ids:
        return b""
    kind = "q" if min(ids) < 0 else "I" if max(ids) < 1 << 32 else "Q"
    try:
        return kind.encode() + struct.pack(f">{len(ids)}{kind}", *ids)
    except struct.error as error:
        raise OverflowError(f"{min(ids)} to {max(ids)} are no ids of eight bytes.") from error


def unpack(packed: bytes) -> Sequence[int]:
    """Return the ids that pack() made bytes of."""
    if not packed:
        return ()
    kind = FORMATS[packed[0]]
    return struct.unpack_from(f">{len(packed) // WIDTHS[kind]}{kind}", packed, 1)


def is_packed(text: bytes) -> bool:
    """Return whether pack() may have made these bytes."""
    return not text or (len(text) > 1 and text[0] in FORMATS and (len(text) - 1) % WIDTHS[FORMATS[text[0]]] == 0)
