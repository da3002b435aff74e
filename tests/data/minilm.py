"""Writes minilm.bin: MiniLM's vectors of the titles, then of the queries, 384 signed bytes each.

Run with the packages of pkg-scripts/distill/requirements.txt: `python3 tests/data/minilm.py`. A row is the vector
times 127 over its largest absolute component, rounded; its length says nothing. minilm.json names the texts' hash.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "pkg-scripts" / "distill"))

import inputs  # noqa: E402
import teacher  # noqa: E402


def texts() -> list[str]:
    titles = []
    for name in ("films.txt", "series.txt"):
        for line in (HERE / name).read_text().strip().split("\n"):
            _, _, _, title, synopsis = line.split("|")
            titles.append(f"{title}: {synopsis}")
    return titles + [query["text"] for query in json.loads((HERE / "queries.json").read_text())]


def main() -> None:
    all_texts = texts()
    vectors = teacher.embed_texts(inputs.teacher_folder(), all_texts)
    codes = np.rint(vectors * 127 / np.abs(vectors).max(axis=1, keepdims=True)).astype(np.int8)
    (HERE / "minilm.bin").write_bytes(codes.tobytes())
    header = {
        "model": "all-MiniLM-L6-v2",
        "version": "int8-8199be6f",
        "dimensions": int(codes.shape[1]),
        "rows": len(all_texts),
        "texts": hashlib.sha256("\n".join(all_texts).encode()).hexdigest(),
    }
    (HERE / "minilm.json").write_text(json.dumps(header, indent=2) + "\n")


if __name__ == "__main__":
    main()
