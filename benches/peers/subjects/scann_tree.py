"""ScaNN: cells, anisotropic 4-bit codes, exact rescoring: `scann_tree.py [plain]`.

For products every row is in two cells (SOAR), which about doubled the queries per second at a recall of 0.97 on the
MiniLM vectors. Codes of four dimensions gave fewer than codes of two there, and codes of one fewer on GloVe.
`plain` is without SOAR: the index is half as large and built sooner.
"""

import sys
from importlib.metadata import version

import scann
from serve import SCRATCH, Refusal, cells, dimensions_per_code, probes, serve

SOAR_LAMBDA = 1.5
ANISOTROPIC_THRESHOLD = 0.2
REORDER = [30, 60, 100, 300]
PLAIN = "plain" in sys.argv


class ScannTree:
    version = version("scann")

    def __init__(self, data: dict, plan: dict):
        self.data, self.plan = data, plan

    def settings(self) -> list[dict]:
        if PLAIN and self.data["metric"] != "cosine":
            raise Refusal("SOAR is for products only: the same as scann")
        return [
            {"label": f"leaves {leaves}, reorder {reorder}", "leaves": leaves, "reorder": reorder}
            for leaves in probes(self.plan, self.data["rows"])
            for reorder in REORDER
        ]

    def build(self, rows) -> None:
        product = self.data["metric"] == "cosine"
        builder = scann.scann_ops_pybind.builder(rows, self.plan["k"], "dot_product" if product else "squared_l2")
        leaves = cells(len(rows))
        # Anisotropic codes and SOAR are defined for products.
        threshold = ANISOTROPIC_THRESHOLD if product else float("nan")
        soar = {"soar_lambda": SOAR_LAMBDA} if product and not PLAIN else {}
        self.searcher = (
            builder.set_n_training_threads(1)
            .tree(leaves, leaves // 10, training_sample_size=len(rows), **soar)
            .score_ah(dimensions_per_code(rows), anisotropic_quantization_threshold=threshold)
            .reorder(max(REORDER))
            .build()
        )

    def index_bytes(self) -> int:
        self.searcher.serialize(str(SCRATCH))
        return sum(file.stat().st_size for file in SCRATCH.iterdir())

    def use(self, setting: dict) -> None:
        self.leaves, self.reorder = setting["leaves"], setting["reorder"]

    def search(self, query, k: int):
        return self.searcher.search(
            query, final_num_neighbors=k, pre_reorder_num_neighbors=self.reorder, leaves_to_search=self.leaves
        )

    def ids(self, answer):
        return answer[0]


serve(ScannTree)
