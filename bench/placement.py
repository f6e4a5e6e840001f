#!/usr/bin/env python3
"""Placement against CBC and a dynamic programme over subsets; see README.md.

    bench/placement.py [--program FILE] [--count N] [--first N] [--models N] [--gpus N] [--levels N]

Every instance is solved by bench_placement (the library, and the programme) and level after level by CBC:
each level is maximised while those above keep their optimum. Any difference ends with exit code 1.
"""

import argparse
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def read(path):
    gpus, models = [], []
    for line in path.read_text().split("\n"):
        words = line.split()
        if words:
            (gpus if words[0] == "gpu" else models).append([int(word) for word in words[1:]])
    return gpus, models


def levels_of(gpus, models):
    """Coefficients by model and GPU, most important level first."""
    speeds = sorted({speed for _, speed in gpus}, reverse=True)
    pairs = [(i, j) for i, model in enumerate(models) for j, gpu in enumerate(gpus) if model[0] <= gpu[0]]
    levels = [{(i, j): models[i][1] for i, j in pairs}, {(i, j): models[i][2] for i, j in pairs}]
    for speed in speeds[:-1]:
        levels.append({(i, j): models[i][2] for i, j in pairs if gpus[j][1] == speed})
    levels.append({(i, j): -models[i][0] for i, j in pairs})
    return pairs, levels


def expression(terms):
    return " ".join(f"{'+' if value >= 0 else '-'} {abs(value)} x{i}_{j}" for (i, j), value in sorted(terms.items()))


def cbc(folder, gpus, models, count):
    """The optimum of every level, and the seconds that CBC took."""
    pairs, levels = levels_of(gpus, models)
    base = [f"m{i}: " + " + ".join(f"x{a}_{b}" for a, b in pairs if a == i) + " <= 1"
            for i in sorted({a for a, _ in pairs})]
    base += [f"g{j}: " + " + ".join(f"{models[a][0]} x{a}_{b}" for a, b in pairs if b == j) + f" <= {gpus[j][0]}"
             for j in sorted({b for _, b in pairs})]
    found, spent = [], 0.0
    for terms in levels[:count]:
        if not terms:
            found.append(0)
            continue
        rows = base + [f"l{k}: {expression(levels[k])} >= {value}" for k, value in enumerate(found) if levels[k]]
        text = ("Maximize\n obj: " + expression(terms) + "\nSubject To\n " + "\n ".join(rows) + "\nBinary\n "
                + "\n ".join(f"x{i}_{j}" for i, j in pairs) + "\nEnd\n")
        (folder / "p.lp").write_text(text)
        # Its cuts sometimes make a problem infeasible that has the solution of the level before.
        for settings in ([], ["preprocess", "off", "cuts", "off"]):
            start = time.monotonic()
            run = subprocess.run(["cbc", "p.lp", "ratio", "0", "allow", "0", *settings, "solve", "solu", "p.sol"],
                                 cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
            spent += time.monotonic() - start
            solution = (folder / "p.sol").read_text().split("\n")
            if solution[0].startswith("Optimal"):
                break
        else:
            sys.exit(f"cbc: {solution[0]}\n{run.stdout}")
        taken = {tuple(map(int, m.groups())) for m in
                 (re.match(r"\s*\d+\s+x(\d+)_(\d+)\s+(?:1|0\.9999)", line) for line in solution[1:]) if m}
        found.append(sum(terms.get(pair, 0) for pair in taken))
    return found, spent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build" / "release" / "bench" / "bench_placement")
    parser.add_argument("--count", type=int, default=250, help="instances of each of the four families")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--gpus", type=int, default=8)
    parser.add_argument("--levels", type=int, default=1,
                        help="levels that CBC solves, 0: none; beyond the first it may take minutes an instance")
    options = parser.parse_args()
    with_cbc = options.levels > 0 and shutil.which("cbc")
    if not with_cbc:
        print("without CBC", file=sys.stderr)
    differ = 0
    print(f"{'':16}{'ms: ours med':>13}{'p95':>7}{'max':>7}{'subsets med':>13}{'p95':>7}{'max':>7}{'cbc med':>9}{'max':>8}"
          f"{'ratio med':>11}{'max':>6}  equal")
    for demand in ("random", "tight"):
        for speeds in ("same", "mixed"):
            with tempfile.TemporaryDirectory() as name:
                folder = pathlib.Path(name)
                run = subprocess.run([options.program, str(options.models), str(options.gpus), str(options.first),
                                      str(options.count), demand, speeds, folder],
                                     stdout=subprocess.PIPE, text=True, check=True)
                ours, theirs, cbcs, equal = [], [], [], 0
                for line in run.stdout.strip().split("\n"):
                    words = line.split()
                    ours.append(int(words[2]) / 1e3)
                    theirs.append(int(words[4]) / 1e3)
                    levels = [int(word) for word in words[words.index("levels") + 1:]]
                    at = words.index("dp") + 1
                    same = [int(word) for word in words[at:at + 2]] == levels[:2] and words[words.index("proven") + 1] == "1"
                    if with_cbc:
                        gpus, models = read(folder / f"{words[0]}.txt")
                        found, spent = cbc(folder, gpus, models, options.levels)
                        cbcs.append(spent * 1e3)
                        same = same and levels[:len(found)] == found
                        if not same:
                            print(f"{demand} {speeds} {words[0]}: found {levels}, cbc {found}", file=sys.stderr)
                    equal += same
                differ += options.count - equal

                def figures(values):
                    values = sorted(values) or [0.0]
                    return statistics.median(values), values[int(len(values) * 0.95)], values[-1]
                a, b, c = figures(ours), figures(theirs), figures(cbcs)
                print(f"{demand + ' ' + speeds:16}{a[0]:13.1f}{a[1]:7.1f}{a[2]:7.1f}{b[0]:13.1f}{b[1]:7.1f}{b[2]:7.1f}"
                      f"{c[0]:9.0f}{c[2]:8.0f}{a[0] / b[0]:11.2f}{a[2] / b[2]:6.2f}  {equal}/{options.count}", flush=True)
    sys.exit(1 if differ else 0)


main()
