"""FAISS: HNSW over f32 vectors."""

import faiss
from faiss_metric import metric_of
from serve import beam_widths, serve


class FaissHnsw:
    version = faiss.__version__

    def __init__(self, data: dict, plan: dict):
        self.data, self.plan = data, plan

    def settings(self) -> list[dict]:
        return beam_widths(self.plan)

    def build(self, rows) -> None:
        faiss.omp_set_num_threads(1)
        self.index = faiss.IndexHNSWFlat(rows.shape[1], self.plan["m"], metric_of(self.data))
        self.index.hnsw.efConstruction = self.plan["efConstruction"]
        self.index.add(rows)

    def index_bytes(self) -> int:
        return faiss.serialize_index(self.index).nbytes

    def use(self, setting: dict) -> None:
        self.index.hnsw.efSearch = setting["ef"]

    def search(self, query, k: int):
        return self.index.search(query[None], k)

    def ids(self, answer):
        return answer[1][0]


serve(FaissHnsw)
