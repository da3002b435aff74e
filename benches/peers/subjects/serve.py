"""The Python side of the protocol (README.md): a subject is an object, and `serve` answers the driver for it.

version             the library's
settings()          the settings to measure, each with a `label`; or raises `Refusal`
build(rows)         builds the index; this is timed
index_bytes()       size of the index with its vectors, or None
use(setting)        makes it the one that searches run with
search(query, k)    the library's own answer; this is timed
ids(answer)         row numbers, best first; not timed
"""

import json
import os
import sys
import traceback
from pathlib import Path
from time import perf_counter_ns

import numpy as np

# Libraries print to the standard output: it is made another name of the standard error.
replies = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

# The folder of this subject's own files; the driver removes it.
SCRATCH = Path(os.environ["BENCH_SCRATCH"])


class Refusal(Exception):
    """The subject cannot take part; says why."""


def serve(subject_class) -> None:
    answers = Answers(subject_class)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = getattr(answers, request.pop("call"))(**request)
        except Refusal as refusal:
            reply = {"refused": str(refusal)}
        except Exception:
            reply = {"error": traceback.format_exc()}
        print(json.dumps(reply), file=replies, flush=True)


class Answers:
    def __init__(self, subject_class):
        self.subject_class = subject_class

    def open(self, data: dict, plan: dict) -> dict:
        self.k = plan["k"]
        self.rows = floats(data["files"]["rows"], data["rows"], data["dimensions"])
        self.queries = floats(data["files"]["queries"], data["queries"], data["dimensions"])
        self.subject = self.subject_class(data, plan)
        return {"version": self.subject.version, "settings": self.subject.settings()}

    def build(self) -> dict:
        begin = perf_counter_ns()
        self.subject.build(self.rows)
        seconds = (perf_counter_ns() - begin) / 1e9
        self.rows = None
        return {"seconds": seconds, "indexBytes": self.subject.index_bytes()}

    def search(self, setting: dict, warmUp: int) -> dict:  # noqa: N803 (a name of the protocol)
        subject = self.subject
        subject.use(setting)
        for query in self.queries[:warmUp]:
            subject.search(query, self.k)
        nanoseconds, ids = [], []
        for query in self.queries:
            begin = perf_counter_ns()
            answer = subject.search(query, self.k)
            nanoseconds.append(perf_counter_ns() - begin)
            ids.append(np.asarray(subject.ids(answer)).tolist())
        return {"nanoseconds": nanoseconds, "ids": ids}


def floats(file: str, count: int, dimensions: int) -> np.ndarray:
    return np.fromfile(file, "<f4", count * dimensions).reshape(count, dimensions)


def beam_widths(plan: dict) -> list[dict]:
    """One setting per beam width of the graphs."""
    return [{"label": f"ef {ef}", "ef": ef} for ef in plan["efSearch"]]


def cells(rows: int) -> int:
    """Cells of a partitioned index: the square root of its rows."""
    return round(rows**0.5)


def probes(plan: dict, rows: int) -> list[int]:
    """How many cells to search, for each share of the plan."""
    return sorted({max(1, round(share * cells(rows))) for share in plan["cellShares"]})


# From here on codes of four dimensions gave more queries at the same recall than codes of two, in FAISS and in ScaNN.
WIDE = 512


def dimensions_per_code(rows: np.ndarray) -> int:
    """How many dimensions share a 4-bit code."""
    return 4 if rows.shape[1] >= WIDE else 2
