"""Whirlpool, the hash function of ISO/IEC 10118-3:2004.

No library that is kept up has it for all machines that Pointsman runs on. The state is a matrix of
8 by 8 bytes, held as eight numbers of 64 bits; substitution, shift and mixing of one byte are one
look-up in a table. It takes a fifth of a millisecond per 64 bytes, so it is for values, not files.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["whirlpool"]

_BLOCK = 64
_ROUNDS = 10
_EXPONENTIAL = (0x1, 0xB, 0x9, 0xC, 0xD, 0x6, 0xF, 0x3, 0xE, 0x8, 0x7, 0x4, 0xA, 0x2, 0x5, 0x0)
_PSEUDORANDOM = (0x7, 0xC, 0xB, 0xD, 0xE, 0x4, 0x9, 0xF, 0x6, 0x3, 0x8, 0xA, 0x2, 0x5, 0x1, 0x0)
_DIFFUSION = (1, 1, 4, 1, 8, 5, 2, 9)
_POLYNOMIAL = 0x11D

Rows = Sequence[int]


def whirlpool(data: bytes) -> bytes:
    """Return the 64 bytes of the digest."""
    padded = data + b"\x80"
    padded += bytes(-(len(padded) + 32) % _BLOCK) + (len(data) * 8).to_bytes(32, "big")
    state: Rows = (0,) * 8
    for at in range(0, len(padded), _BLOCK):
        block = [int.from_bytes(padded[at + 8 * row :][:8], "big") for row in range(8)]
        state = _compressed(state, block)
    return b"".join(row.to_bytes(8, "big") for row in state)


def _compressed(state: Rows, block: Rows) -> Rows:
    key = state
    mixed: Rows = [a ^ b for a, b in zip(block, key, strict=True)]
    for constant in _CONSTANTS:
        key = _mixed(key)
        key[0] ^= constant
        mixed = [a ^ b for a, b in zip(_mixed(mixed), key, strict=True)]
    return [a ^ b ^ c for a, b, c in zip(mixed, state, block, strict=True)]


def _mixed(rows: Rows) -> list[int]:
    """Return the rows after substitution, cyclical shift of columns and diffusion of rows."""
    first, second, third, fourth, fifth, sixth, seventh, eighth = _TABLES
    return [
        first[rows[row] >> 56]
        ^ second[rows[row - 1] >> 48 & 255]
        ^ third[rows[row - 2] >> 40 & 255]
        ^ fourth[rows[row - 3] >> 32 & 255]
        ^ fifth[rows[row - 4] >> 24 & 255]
        ^ sixth[rows[row - 5] >> 16 & 255]
        ^ seventh[rows[row - 6] >> 8 & 255]
        ^ eighth[rows[row - 7] & 255]
        for row in range(8)
    ]


def _substitution() -> bytes:
    """Return the box that two small boxes of four bits make."""
    inverse = bytes(_EXPONENTIAL.index(value) for value in range(16))
    box = bytearray()
    for byte in range(256):
        high, low = _EXPONENTIAL[byte >> 4], inverse[byte & 15]
        middle = _PSEUDORANDOM[high ^ low]
        box.append(_EXPONENTIAL[high ^ middle] << 4 | inverse[low ^ middle])
    return bytes(box)


def _product(a: int, b: int) -> int:
    """Return the product of two bytes as polynomials."""
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a = a << 1 ^ (_POLYNOMIAL if a & 0x80 else 0)
        b >>= 1
    return product


def _tables(box: bytes) -> list[list[int]]:
    """Return what each byte of each column adds to a row."""
    first = [
        int.from_bytes(bytes(_product(value, factor) for factor in _DIFFUSION), "big")
        for value in box
    ]
    mask = 2**64 - 1
    return [
        [(row >> 8 * column | row << 64 - 8 * column) & mask for row in first]
        for column in range(8)
    ]


_BOX = _substitution()
_TABLES = _tables(_BOX)
_CONSTANTS = [int.from_bytes(_BOX[8 * turn : 8 * turn + 8], "big") for turn in range(_ROUNDS)]
