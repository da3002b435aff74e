#!/usr/bin/env python3
"""Builds `npm/encoder-en/table.bin` from the teacher and WordNet. See README.md.

    distill.py              fit, write the table and the Rust crate's fixture
    distill.py --check      fit again and compare with the committed table
    distill.py quality      measure the committed table, print the tables of QUALITY.md
    distill.py ablations    fit and measure the recipes that were not chosen, too
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE.parents[1] / "target" / "distill" / "venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def enter_environment() -> None:
    """Continues in a virtual environment with the pinned packages; makes it if it is missing."""
    if Path(sys.prefix).resolve() == ENVIRONMENT.resolve():
        return
    if not PYTHON.exists():
        venv.create(ENVIRONMENT, with_pip=True)
        install = [PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "-r", HERE / "requirements.txt"]
        subprocess.run(install, check=True)
    # One thread per process: sums of a threaded BLAS may depend on the number of cores.
    single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    sys.exit(subprocess.run([PYTHON, __file__, *sys.argv[1:]], env={**os.environ, **single}).returncode)


def main(arguments: list[str]) -> None:
    import data
    import inputs
    import quality
    import recipe

    if arguments not in ([], ["--check"], ["quality"], ["ablations"]):
        sys.exit(__doc__)
    texts = data.load(inputs.wordnet_folder())
    materials = recipe.Materials(texts, inputs.teacher_folder())
    if arguments == ["quality"]:
        quality.report(materials, inputs.PACKAGE / "table.bin")
    elif arguments == ["ablations"]:
        quality.ablations(materials)
    else:
        build(materials, check=bool(arguments))


def build(materials, check: bool) -> None:
    import golden
    import inputs
    import recipe
    import table

    result, space = materials.fit(recipe.Recipe())
    written = table.write_table(materials.vocabulary, result.rows, space.mean, space.axes)
    file = inputs.PACKAGE / "table.bin"
    if check:
        compare(file.read_bytes(), written)
        return
    file.write_bytes(written)
    golden.write_fixture(table.Table(written), inputs.FIXTURE)
    print(f"table.bin: {len(written)} bytes, SHA-256 {digest(written)}")


def compare(committed: bytes, rebuilt: bytes) -> None:
    """Equal bytes, or how far other hardware took the fit: rounding differences move codes by one step."""
    import numpy as np

    import table

    print(f"committed {digest(committed)}\nrebuilt   {digest(rebuilt)}")
    if committed == rebuilt:
        print("The rebuilt table is identical.")
        return
    ours, theirs = table.Table(committed), table.Table(rebuilt)
    if ours.codes.shape != theirs.codes.shape or ours.vocabulary != theirs.vocabulary:
        sys.exit("The rebuilt table has another vocabulary or shape.")
    difference = np.abs(ours.codes.astype(int) - theirs.codes)
    print(f"max |difference of codes| {difference.max()}, codes that differ {np.mean(difference > 0):.2e}")
    sys.exit(0 if difference.max() <= 1 else 1)


def digest(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    enter_environment()
    main(sys.argv[1:])
