"""pyglass: HNSW over 8-bit codes, f32 rescoring. Of its codes, SQ8 is the one that answers for both metrics here."""

from importlib.metadata import version

import glass
from serve import beam_widths, serve


class GlassHnsw:
    version = version("pyglass-portable")

    def __init__(self, data: dict, plan: dict):
        self.data, self.plan = data, plan

    def settings(self) -> list[dict]:
        return beam_widths(self.plan)

    def build(self, rows) -> None:
        metric = "IP" if self.data["metric"] == "cosine" else "L2"
        glass.set_num_threads(1)
        # Its degree is that of the bottom layer, which has twice m.
        index = glass.Index("HNSW", metric, quant="FP32", R=2 * self.plan["m"], L=self.plan["efConstruction"])
        graph = index.build(rows)
        self.searcher = glass.Searcher(graph, rows, metric, "SQ8", "FP32")
        self.searcher.optimize(1)

    def index_bytes(self) -> None:
        return None

    def use(self, setting: dict) -> None:
        self.searcher.set_ef(setting["ef"])

    def search(self, query, k: int):
        return self.searcher.search(query, k)

    def ids(self, answer):
        return answer[0]


serve(GlassHnsw)
