#!/usr/bin/env python3
"""Classifies the prompts of a JSONL file (text, label) with the library and with scikit-learn, by turns in one run.

    bench/classify.py FILE.jsonl [--build FOLDER] [--rounds N]

scikit-learn goes into a virtual environment of the build folder; without it that line is left out with a word.
"""

import argparse
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent


def build(folder):
    if not (folder / "CMakeCache.txt").exists():
        subprocess.run(["cmake", "--preset", "release", "-B", folder], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder, "--target", "bench_classify"], check=True, stdout=subprocess.DEVNULL)
    return folder / "bench" / "bench_classify"


def peer(folder):
    python = folder / "bench" / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", python.parent.parent], check=False)
    subprocess.run([python, "-m", "pip", "install", "-q", "scikit-learn"], check=False)
    if subprocess.run([python, "-c", "import sklearn"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        return [python, HERE / "peer_tfidf.py"]
    print("skipped: tfidf-lr (no scikit-learn)", file=sys.stderr)
    return None


def run(command, *arguments):
    return json.loads(subprocess.run([*command, *map(str, arguments)], check=True, capture_output=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    ours, theirs = build(arguments.build), peer(arguments.build)
    best = {}
    for _ in range(arguments.rounds):
        results = {"homelab": run([ours], arguments.file, 10)}
        if theirs:
            results["tfidf-lr"] = run(theirs, arguments.file, 1)
        for name, result in results.items():
            for key, value in result.items():
                best[name, key] = min(value, best.get((name, key), value))
    for (name, key), value in best.items():
        print(f"{name:10} {key:12} {value}")


main()
