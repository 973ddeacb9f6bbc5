"""Pictures for tests, made without NumPy."""

import array
import math
import struct
import zlib

TYPES = {"B": "|u1", "H": "<u2", "f": "<f4", "d": "<f8"}


class Array:
    """An array in Python's own memory, as NumPy's protocol describes it."""

    def __init__(self, shape, code, values, strides=None, first=0):
        self.values = array.array(code, values)
        self.shape, self.code, self.strides, self.first = tuple(shape), code, strides, first

    @property
    def __array_interface__(self):
        address = self.values.buffer_info()[0] + self.first * self.values.itemsize
        strides = self.strides and tuple(step * self.values.itemsize for step in self.strides)
        data = (address, False)
        return {"version": 3, "shape": self.shape, "typestr": TYPES[self.code], "data": data, "strides": strides}


def levels(height, width, seed=0):
    """Waves in 8 bits, `[height, width, 3]`, row by row."""
    wave = lambda y, x, c: math.sin((x + 3 * seed) / 5 + c) * math.cos(y / 7 + seed) + 0.3 * math.sin(x * y / 11 + c)
    return [round(127.5 + 90 * wave(y, x, c)) for y in range(height) for x in range(width) for c in range(3)]


def rgb(height, width, seed=0):
    return Array((height, width, 3), "B", levels(height, width, seed))


def noisy(height, width, seed=0, strength=9):
    """The same waves, spoilt."""
    values = levels(height, width, seed)
    return Array((height, width, 3), "B", [min(255, max(0, v + (i * 7919 % strength) - strength // 2)) for i, v in enumerate(values)])


def save_png(path, picture):
    """An 8-bit PNG of `[H, W, C]` values without gaps."""
    height, width, channels = picture.shape
    line = width * channels
    rows = b"".join(b"\0" + bytes(picture.values[row * line : (row + 1) * line]) for row in range(height))
    kind = {1: 0, 3: 2, 4: 6}[channels]

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )
    return path
