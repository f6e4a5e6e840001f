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

from venv_of_build import python_with

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent


def build(folder):
    if not (folder / "CMakeCache.txt").exists():
        subprocess.run(["cmake", "--preset", "release", "-B", folder], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder, "--target", "bench_classify"], check=True, stdout=subprocess.DEVNULL)
    return folder / "bench" / "bench_classify"


def peer(folder):
    python = python_with(folder, "scikit-learn", "sklearn")
    if python:
        return [python, HERE / "peer_tfidf.py"]
    print("skipped: tfidf-lr (no scikit-learn)", file=sys.stderr)
    return None


def run(command, *arguments):
    return json.loads(subprocess.run([*command, *map(str, arguments)], check=True, capture_output=True).stdout)


def compare(folder, file, rounds):
    """What either took, by name and key: the least of rounds that go by turns, and the most that was counted."""
    ours, theirs = build(folder), peer(folder)
    best = {}
    for _ in range(rounds):
        results = {"homelab": run([ours], file, 10)}
        if theirs:
            results["tfidf-lr"] = run(theirs, file, 1)
        for name, result in results.items():
            for key, value in result.items():
                one = best.setdefault(name, {})
                one[key] = (max if key in ("allocations", "locks") else min)(value, one.get(key, value))
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    for name, result in compare(arguments.build.resolve(), arguments.file, arguments.rounds).items():
        for key, value in result.items():
            print(f"{name:10} {key:12} {value}")


if __name__ == "__main__":
    main()
