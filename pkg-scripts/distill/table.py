"""Writes and reads the table file; `crates/annywhere-encoder/FORMAT.md` describes the bytes."""

import struct

import numpy as np
import xxhash

MAGIC = b"\x89ANNE\r\n\x1a"
VERSION = 1
PANEL_WIDTH = 64
MAX_PANELS = 6
HEADER_BYTES = 128
CONTINUES = 0x80


def quantize(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 rows and one scale each: the largest entry becomes 127."""
    scales = (np.abs(rows).max(axis=1) / 127).astype(np.float32)
    scales[scales == 0] = 1e-9
    return np.clip(np.rint(rows / scales[:, None]), -127, 127).astype(np.int8), scales


def write_table(vocabulary: list[str], rows: np.ndarray, mean: np.ndarray, axes: np.ndarray) -> bytes:
    codes, scales = quantize(rows)
    tokens, dimensions = codes.shape
    bare = [piece.removeprefix("##").encode("ascii") for piece in vocabulary]
    lengths = bytes(
        len(text) | (CONTINUES if piece.startswith("##") else 0) for piece, text in zip(vocabulary, bare)
    )
    words = lengths + b"".join(bare)
    panels = [
        np.ascontiguousarray(codes[:, start : start + PANEL_WIDTH]).tobytes()
        for start in range(0, dimensions, PANEL_WIDTH)
    ]
    projection = mean.astype("<f4").tobytes() + axes.astype("<f4").tobytes()
    sections = [words, scales.astype("<f4").tobytes(), *panels, projection]

    checksums = [xxhash.xxh3_64_intdigest(section) for section in (words, sections[1], *panels)]
    checksums += [0] * (MAX_PANELS - len(panels)) + [xxhash.xxh3_64_intdigest(projection)]
    total = HEADER_BYTES + sum(map(len, sections))
    header = MAGIC + struct.pack("<6I", VERSION, tokens, dimensions, PANEL_WIDTH, len(mean), len(words))
    header += struct.pack("<Q9QQ", total, *checksums, 0)
    header += struct.pack("<Q", xxhash.xxh3_64_intdigest(header))
    assert len(header) == HEADER_BYTES
    return header + b"".join(sections)


class Table:
    """The content of a table file; trusts the bytes."""

    def __init__(self, data: bytes):
        _, tokens, dimensions, _, teacher, words = struct.unpack_from("<6I", data, len(MAGIC))
        lengths = data[HEADER_BYTES : HEADER_BYTES + tokens]
        offset = HEADER_BYTES + tokens
        self.vocabulary = []
        for length in lengths:
            end = offset + (length & ~CONTINUES)
            self.vocabulary.append(("##" if length & CONTINUES else "") + data[offset:end].decode("ascii"))
            offset = end
        self.scales = np.frombuffer(data, "<f4", tokens, offset)
        offset += 4 * tokens
        panels = np.frombuffer(data, np.int8, tokens * dimensions, offset).reshape(-1, tokens, PANEL_WIDTH)
        self.codes = np.concatenate(list(panels), axis=1)
        offset += tokens * dimensions
        self.mean = np.frombuffer(data, "<f4", teacher, offset)
        self.axes = np.frombuffer(data, "<f4", teacher * dimensions, offset + 4 * teacher).reshape(teacher, dimensions)

    def rows(self, dimensions: int) -> np.ndarray:
        return self.codes[:, :dimensions].astype(np.float32) * self.scales[:, None]
