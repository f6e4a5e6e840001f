#!/usr/bin/env python3
"""Trains the model on all rows and writes it as C.

usage: train.py --dev dev.jsonl --added added.jsonl --out src/route/weights.inc [--temperature T]

added.jsonl comes from sources.py; T comes from evaluate.py, which finds it on rows that were left out.
"""
import argparse

import features
import model
import rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--dev", required=True)
    parser.add_argument("--added", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--temperature", type=float, default=1.0)
    arguments = parser.parse_args()
    data = [row for row in rows.development(arguments.dev) + rows.added(arguments.added) if rows.is_for_training(row)]
    matrix = features.matrix([row["text"] for row in data])
    weights, bias, step = model.fit(matrix, [row["label"] for row in data])
    model.write_c(arguments.out, weights, bias / arguments.temperature, step / arguments.temperature,
                  "Made by tools/classifier/train.py; do not edit.")
    print(f"{len(data)} rows, step {step:.4g}, temperature {arguments.temperature}")


if __name__ == "__main__":
    main()
