"""FAISS: cells, 4-bit product codes scanned in registers, exact rescoring."""

import faiss
from faiss_metric import metric_of
from serve import cells, dimensions_per_code, probes, serve

# Rows rescored, as multiples of k.
RESCORED = [4, 10, 30]


class FaissIvfPq:
    version = faiss.__version__

    def __init__(self, data: dict, plan: dict):
        self.data, self.plan = data, plan

    def settings(self) -> list[dict]:
        return [
            {"label": f"nprobe {nprobe}, rescored {factor}k", "nprobe": nprobe, "factor": factor}
            for nprobe in probes(self.plan, self.data["rows"])
            for factor in RESCORED
        ]

    def build(self, rows) -> None:
        faiss.omp_set_num_threads(1)
        blocks = rows.shape[1] // dimensions_per_code(rows)
        parts = f"IVF{cells(len(rows))},PQ{blocks}x4fs,RFlat"
        self.index = faiss.index_factory(rows.shape[1], parts, metric_of(self.data))
        self.index.train(rows)
        self.index.add(rows)
        self.cells = faiss.extract_index_ivf(self.index)

    def index_bytes(self) -> int:
        return faiss.serialize_index(self.index).nbytes

    def use(self, setting: dict) -> None:
        self.cells.nprobe = setting["nprobe"]
        self.index.k_factor = setting["factor"]

    def search(self, query, k: int):
        return self.index.search(query[None], k)

    def ids(self, answer):
        return answer[1][0]


serve(FaissIvfPq)
