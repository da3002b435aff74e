"""The teacher: all-MiniLM-L6-v2 (int8 ONNX, 384 dimensions) and its WordPiece tokenizer.

Vectors depend on the text alone: texts of equal length share a batch, so nothing is padded, and each
run uses one thread. Finished vectors are kept as files beside the model.
"""

import hashlib
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

CLS, SEP = 101, 102
DIMENSIONS = 384

# Positions the teacher sees, [CLS] and [SEP] included. The bag of tokens is cut at the same place.
MAX_POSITIONS = 64

# 16 was the fastest of 1..64 on the machine of record; the vectors do not depend on it.
BATCH = 16

# A piece of work handed to one process.
JOB_BATCHES = 64


def load_tokenizer(folder: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def tokenize(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    """Piece ids of each text without special tokens, cut to what the teacher sees."""
    encodings = tokenizer.encode_batch(texts, add_special_tokens=False)
    return [encoding.ids[: MAX_POSITIONS - 2] for encoding in encodings]


def embed_pieces(folder: Path, pieces: list[list[int]], processes: int) -> np.ndarray:
    """Mean over the positions of the last layer, one row per list of piece ids, not normalised."""
    by_length: dict[int, list[int]] = {}
    for row, ids in enumerate(pieces):
        by_length.setdefault(len(ids), []).append(row)
    batches = [
        rows[start : start + BATCH]
        for _, rows in sorted(by_length.items())
        for start in range(0, len(rows), BATCH)
    ]
    jobs = [batches[start : start + JOB_BATCHES] for start in range(0, len(batches), JOB_BATCHES)]
    vectors = np.zeros((len(pieces), DIMENSIONS), np.float32)
    with ProcessPoolExecutor(processes, initializer=open_session, initargs=(str(folder / "model.onnx"),)) as pool:
        inputs = [[np.array([[CLS, *pieces[row], SEP] for row in batch], np.int64) for batch in job] for job in jobs]
        for done, (job, means) in enumerate(zip(jobs, pool.map(run_job, inputs))):
            for batch, rows in zip(job, means):
                vectors[batch] = rows
            if done % 10 == 0:
                print(f"  teacher: job {done + 1} of {len(jobs)}", flush=True)
    return vectors


session = None


def open_session(model: str) -> None:
    global session
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run_job(batches: list[np.ndarray]) -> list[np.ndarray]:
    means = []
    for ids in batches:
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        means.append(session.run(None, feeds)[0].mean(axis=1))
    return means


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)


def embed_texts(folder: Path, texts: list[str], processes: int = os.cpu_count() or 1) -> np.ndarray:
    """Unit teacher vectors of the texts; computed once, then read from `cache/`."""
    key = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
    file = folder / "cache" / f"{key}.npy"
    if file.exists():
        return np.load(file)
    print(f"teacher vectors of {len(texts)} texts", flush=True)
    vectors = unit(embed_pieces(folder, tokenize(load_tokenizer(folder), texts), processes))
    return keep(file, vectors)


def embed_single_pieces(folder: Path, ids: list[int], processes: int = os.cpu_count() or 1) -> np.ndarray:
    """The vector of every piece run alone: [CLS] piece [SEP], mean of the three, not normalised."""
    file = folder / "cache" / "pieces.npy"
    if file.exists():
        return np.load(file)
    print(f"teacher vectors of {len(ids)} pieces", flush=True)
    return keep(file, embed_pieces(folder, [[piece] for piece in ids], processes))


def keep(file: Path, vectors: np.ndarray) -> np.ndarray:
    file.parent.mkdir(exist_ok=True)
    partial = file.with_suffix(".partial.npy")
    np.save(partial, vectors)
    partial.rename(file)
    return vectors
