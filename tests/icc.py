"""Colour profiles for tests, built from primaries or from a table, and the colours in sRGB that they must give."""

import struct

import numpy as np

D50 = (0.9642, 1.0, 0.8249)
# Columns are the primaries in XYZ, adapted to D50.
ADOBE_RGB = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
DISPLAY_P3 = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
PROPHOTO = np.array([[0.79767, 0.13519, 0.03135], [0.28804, 0.71188, 0.00009], [0.0, 0.0, 0.82491]])
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])


def rgb_profile(primaries: np.ndarray, gamma: float) -> bytes:
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {b"wtpt": _xyz(D50)}
    for name, column in zip((b"r", b"g", b"b"), primaries.T):
        tags |= {name + b"XYZ": _xyz(column), name + b"TRC": curve}
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def gray_profile(gamma: float) -> bytes:
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"wtpt": _xyz(D50), b"kTRC": curve})


def cmyk_profile(lab_of_corners: dict[tuple[int, ...], tuple[float, float, float]]) -> bytes:
    """A table that holds the Lab colour of each of the 16 corners of CMYK, white where none is given."""
    corners = np.ndindex(2, 2, 2, 2)
    labs = [lab_of_corners.get(corner, (100, 0, 0)) for corner in corners]
    table = bytes(value for lab in labs for value in (round(lab[0] * 2.55), round(lab[1]) + 128, round(lab[2]) + 128))
    identity = struct.pack(">9i", *(65536 * value for value in (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    ramp = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + 4 * ramp + table + 3 * ramp
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"wtpt": _xyz(D50), b"A2B0": lut, b"A2B1": lut})


def srgb_of_rgb(values: tuple[int, ...], primaries: np.ndarray, gamma: float) -> np.ndarray:
    return _srgb_of_xyz(primaries @ (np.array(values) / 255) ** gamma)


def srgb_of_lab(lightness: float, a: float, b: float) -> np.ndarray:
    y = (lightness + 16) / 116
    f = np.array([y + a / 500, y, y - b / 200])
    return _srgb_of_xyz(np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * D50)


def _srgb_of_xyz(xyz: np.ndarray) -> np.ndarray:
    linear = np.clip(np.linalg.solve(SRGB, xyz), 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _xyz(values) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(65536 * value) for value in values))


def _profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """ICC.1:2001, sections 6.1 to 6.5."""
    text = b"a profile of the tests\0"
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78), **tags}
    offset, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s12s4s", offset + len(body), b"", 0x02100000, kind, space, connection, bytes(12), b"acsp")
    return head.ljust(68, b"\0") + struct.pack(">3i", *(round(65536 * v) for v in D50)) + bytes(48) + table + body
