#!/usr/bin/env python3
"""Holds the memory model against measured runs, and prints how well it does.

Without arguments the sample in tests/data, and with HOMELAB_DATA also the whole set in $HOMELAB_DATA/vram. `--by set` or
`--by arch` prints a line for each set of rows, or each architecture.
"""
import argparse
import collections
import os
import pathlib
import sys

import rows as data

MIB = 1048576
MAPPED_SLACK = 8192  # of host weights in mapped files


class Score:
    def __init__(self):
        self.rows = 0
        self.devices = 0
        self.exact = 0
        self.errors = []    # |estimate - truth| / truth, of each device but the host
        self.under = 0      # bytes by which an estimate was too low at most
        self.over = 0
        self.weights = 0    # rows with wrong weights
        self.caches = 0
        self.others = 0     # wrong contexts, output buffers, errors

    def line(self, name):
        errors = sorted(self.errors)
        p95 = errors[int(len(errors) * 0.95)] if errors else 0.0
        return (f"{name:24} rows {self.rows:5}  devices exact {self.exact}/{self.devices}  p95 {p95 * 100:.4f} %  "
                f"most under {self.under / MIB:.2f} MiB  over {self.over / MIB:.2f} MiB  "
                f"wrong: weights {self.weights} caches {self.caches} other {self.others}")

    def good(self):
        errors = sorted(self.errors)
        return (not errors or errors[int(len(errors) * 0.95)] <= 0.01) and self.under <= 16 * MIB and not (
            self.weights or self.caches or self.others)


def repacked(row):
    return any(name == "CPU_REPACK" for name in row.get("devices", {}))


def score_device(score, row, name, truth, found):
    slack = MAPPED_SLACK if name == "HOST" and row["opts"].get("mmap", 1) and row["opts"].get("no_alloc", 1) == 0 else 0
    if not repacked(row) and abs(found["weights"] - truth["weights"]) > slack:
        score.weights += 1
    if found.get("context", 0) != truth.get("context", 0):
        score.caches += 1
    if name in ("HOST", "CPU"):
        return
    difference = sum(found.values()) - sum(truth.values())
    score.devices += 1
    score.exact += difference == 0
    score.under = max(score.under, -difference)
    score.over = max(score.over, difference)
    if sum(truth.values()):
        score.errors.append(abs(difference) / sum(truth.values()))


def score_row(score, row, answer):
    score.rows += 1
    refused = bool(row.get("error") or row.get("rc"))
    if refused or "error" in answer:
        score.others += not (refused and "error" in answer)
        return
    if "n_ctx" in row and answer["n_ctx"] != row["n_ctx"]:
        score.others += 1
    if "output_buffer_MiB" in row and row["output_buffer_MiB"] is not None:
        score.others += abs(answer["output_buffer"] / MIB - row["output_buffer_MiB"]) > 0.006
    for name, truth in row["devices"].items():
        if name != "CPU_REPACK":
            empty = dict.fromkeys(truth, 0)
            score_device(score, row, name, truth, answer["devices"].get(name, empty))


def check_truth(folder, headers, by):
    rows = data.read(folder / "truth.jsonl")
    answers = data.evaluate(rows, headers)
    total, parts = Score(), collections.defaultdict(Score)
    for row, answer in zip(rows, answers):
        assert answer["id"] == row["id"]
        score_row(total, row, answer)
        score_row(parts[row.get(by, "")], row, answer)
    if by:
        for name in sorted(parts):
            print(parts[name].line(name))
    print(total.line("all"))
    return total.good()


def check_fit(folder, headers):
    rows = data.read(folder / "fit.jsonl")
    answers = data.evaluate(rows, headers)
    tried = [(row, answer) for row, answer in zip(rows, answers) if row["kind"] == "max_ngl"]
    right = sum(answer["max_ngl"] == row["max_ngl"] for row, answer in tried)
    assert all("skipped" in answer for row, answer in zip(rows, answers) if row["kind"] == "llama_fit")
    print(f"largest layer count      {right}/{len(tried)}")
    return right >= 0.995 * len(tried)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--by", choices=("set", "arch"), default="")
    by = parser.parse_args().by
    good = check_truth(data.DATA / "vram", data.DATA / "gguf", by)
    good = check_fit(data.DATA / "vram", data.DATA / "gguf") and good
    whole = os.environ.get("HOMELAB_DATA")
    if whole:
        folder = pathlib.Path(whole) / "vram"
        good = check_truth(folder, folder / "gguf-headers", by) and good
        good = check_fit(folder, folder / "gguf-headers") and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
