#!/usr/bin/env python3
"""Placement against CBC and a dynamic programme over subsets; see README.md.

    bench/placement.py [--program FILE] [--sizes 8x3,12x4,…] [--count N] [--first N] [--unit MIB] [--limit S] [--no-cbc]

Every instance is solved by bench_placement (the library, and the programme). What the library placed is counted again
here, and CBC must prove of each level that no plan exceeds it while those above keep their value. A difference ends with
exit code 1; what CBC does not prove in its time is counted apart.
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
FAMILIES = [(demand, speeds) for demand in ("random", "tight") for speeds in ("same", "mixed")]


class Instance:
    def __init__(self, path):
        gpus, models = [], []
        for line in path.read_text().splitlines():
            kind, *numbers = line.split()
            (gpus if kind == "gpu" else models).append([int(number) for number in numbers])
        self.capacity, bandwidth = zip(*gpus)
        self.size, self.priority, self.read = zip(*models)
        speeds = sorted(set(bandwidth), reverse=True)
        self.group = [speeds.index(speed) for speed in bandwidth]
        self.groups = len(speeds)
        self.fills = [self.maximal(capacity) for capacity in self.capacity]

    def maximal(self, capacity):
        """The sets of models that fill a GPU so that no further one fits: all others are within these."""
        order = sorted(range(len(self.size)), key=self.size.__getitem__)
        found, taken = [], []

        def extend(start, room):
            smallest = next((i for i in order if i not in taken), None)
            if smallest is None or self.size[smallest] > room:
                found.append(frozenset(taken))
            for k in range(start, len(order)):
                i = order[k]
                if self.size[i] > room:
                    break
                taken.append(i)
                extend(k + 1, room - self.size[i])
                taken.pop()

        extend(0, capacity)
        return [models for models in found if models]

    def gain(self, level, model, group):
        """What a model on a GPU of the group adds to a level."""
        if level == 0:
            return self.priority[model]
        if level == 1:
            return self.read[model]
        if level < self.groups + 1:
            return self.read[model] if group == level - 2 else 0
        return -self.size[model]

    def levels(self, at):
        """Of a placement, or None where a GPU has too little memory."""
        room = list(self.capacity)
        for model, gpu in enumerate(at):
            if gpu >= 0:
                room[gpu] -= self.size[model]
        if min(room) < 0:
            return None
        return [sum(self.gain(level, model, self.group[gpu]) for model, gpu in enumerate(at) if gpu >= 0)
                for level in range(self.groups + 2)]


def mps(objective, rows, names):
    """An ILP over binaries in free MPS: its own LP format CBC misreads where lines are long."""
    columns = {name: [] for name in names}
    for row, (terms, _, _) in enumerate([(objective, "", 0), *rows]):
        for name, factor in terms.items():
            columns[name].append(f" {name} r{row} {factor}")
    lines = ["NAME p", "ROWS", " N r0"]
    lines += [f" {sense} r{row}" for row, (_, sense, _) in enumerate(rows, 1)]
    lines += ["COLUMNS", *(line for column in columns.values() for line in column)]
    lines += ["RHS", *(f" rhs r{row} {bound}" for row, (_, _, bound) in enumerate(rows, 1) if bound)]
    lines += ["BOUNDS", *(f" BV bound {name}" for name in names), "ENDATA", ""]
    return "\n".join(lines)


def programme(instance, level, at, floors):
    """An ILP, and the library's plan as its first solution.

    z takes one maximal set of models for a GPU, y puts a model into a group of GPUs of equal speed, which one of the sets
    taken there must contain. Speeds that the level and those above do not tell apart are one group. This relaxes to far
    less than a variable for each model on each GPU, where CBC takes minutes for 20 models on 8 GPUs.
    """
    told_apart = instance.groups - 1 if level == instance.groups + 1 else max(level - 1, 0)
    groups = [min(group, told_apart) for group in instance.group]
    fills = [(gpu, models) for gpu, sets in enumerate(instance.fills) for models in sets]
    one_of_gpu, one_of_model, within, start = {}, {}, {}, {}
    for k, (gpu, models) in enumerate(fills):
        one_of_gpu.setdefault(gpu, {})[f"z{k}"] = 1
        for model in models:
            y = f"y{model}_{groups[gpu]}"
            one_of_model.setdefault(model, {})[y] = 1
            within.setdefault(y, {y: 1})[f"z{k}"] = -1
        if gpu not in start and models >= {model for model, other in enumerate(at) if other == gpu}:
            start[gpu] = f"z{k}"
    places = [(model, y, int(y.partition("_")[2])) for model, ys in one_of_model.items() for y in ys]

    def gains(of):
        return {y: instance.gain(of, model, group) for model, y, group in places if instance.gain(of, model, group)}

    rows = [(terms, "L", 1) for terms in (*one_of_gpu.values(), *one_of_model.values())]
    rows += [(terms, "L", 0) for terms in within.values()]
    rows += [(gains(of), "G", floor) for of, floor in enumerate(floors)]
    first = [*start.values(), *(f"y{model}_{groups[gpu]}" for model, gpu in enumerate(at) if gpu >= 0)]
    return (mps(gains(level), rows, [*within, *(f"z{k}" for k in range(len(fills)))]),
            "".join(f"{k} {name} 1\n" for k, name in enumerate(first)))


def cbc(folder, instance, level, at, floors, limit):
    """The optimum of a level that CBC proves, or None; and the seconds that it took."""
    text, first = programme(instance, level, at, floors)
    (folder / "p.mps").write_text(text)
    (folder / "p.first").write_text(first)
    (folder / "p.sol").unlink(missing_ok=True)
    start = time.monotonic()
    # Plain branch and bound: its cuts and its preprocessing have made feasible problems infeasible.
    subprocess.run(["cbc", "p.mps", "max", "mips", "p.first", "sec", str(limit), "ratio", "0", "allow", "0", "preprocess", "off",
                    "cuts", "off", "heur", "off", "solve", "solu", "p.sol"],
                   cwd=folder, stdout=subprocess.DEVNULL, check=True)
    spent = time.monotonic() - start
    status, *values = (folder / "p.sol").read_text().splitlines()
    if not status.startswith("Optimal"):
        return None, spent
    taken = (re.match(r"\s*\d+\s+y(\d+)_(\d+)\s+(\S+)", line) for line in values)
    return sum(instance.gain(level, int(y[1]), int(y[2])) for y in taken if y and float(y[3]) > 0.5), spent


def check(folder, instance, levels, at, limit):
    """'equal', 'unproven', or what differs; and the seconds of CBC."""
    spent, verdict = 0.0, "equal"
    for level, value in enumerate(levels):
        best, seconds = cbc(folder, instance, level, at, levels[:level], limit)
        spent += seconds
        if best is not None and best > value:
            return f"level {level}: found {value}, CBC {best}", spent
        if best != value:
            verdict = "unproven"
    return verdict, spent


def figures(values):
    values = sorted(values)
    return statistics.median(values), values[int(len(values) * 0.95)], values[-1]


class Row:
    """Instances of one size and family, or of all of them."""

    def __init__(self):
        self.ours, self.theirs, self.cbc, self.verdicts = [], [], [], []

    def add(self, other):
        for name, values in vars(self).items():
            values.extend(getattr(other, name))

    def print(self, name):
        ours, theirs, cbc_ = figures(self.ours), figures(self.theirs), figures(self.cbc)
        ratio = statistics.median(mine / other for mine, other in zip(self.ours, self.theirs))
        equal, unproven = self.verdicts.count("equal"), self.verdicts.count("unproven")
        print(f"{name:22}{len(self.verdicts):6}{equal:7}{unproven:10}"
              + "".join(f"{value:9.4f}" for value in (*ours, *theirs)) + "".join(f"{value:8.0f}" for value in cbc_)
              + f"{ratio:8.2f}{ours[2] / theirs[2]:6.2f}", flush=True)


def fields(line):
    """Numbers by the word before them."""
    found, name = {}, ""
    for word in ["number", *line.split()]:
        if re.fullmatch(r"-?\d+", word):
            found[name].append(int(word))
        else:
            found[name := word] = []
    return found


def compare(options, folder, result):
    instance = Instance(folder / f"{result['number'][0]}.txt")
    levels, programmed = result["levels"][:instance.groups + 2], result["dp"]
    if result["proven"] != [1] or instance.levels(result["at"]) != levels:
        return f"says {levels}, has {instance.levels(result['at'])}, proven {result['proven'][0]}", 0.0
    if programmed[:2] != levels[:2] or (instance.groups == 1 and programmed != levels):
        return f"found {levels}, the programme {programmed}", 0.0
    return check(folder, instance, levels, result["at"], options.limit) if options.cbc else ("equal", 0.0)


def measure(options, models, gpus, demand, speeds):
    row = Row()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run = subprocess.run([options.program, str(models), str(gpus), str(options.first), str(options.count), demand,
                              speeds, str(options.unit), folder], stdout=subprocess.PIPE, text=True, check=True)
        for line in run.stdout.splitlines():
            result = fields(line)
            verdict, spent = compare(options, folder, result)
            if verdict not in ("equal", "unproven"):
                print(f"{models}x{gpus} {demand} {speeds} {result['number'][0]}: {verdict}", file=sys.stderr)
            row.ours.append(result["ns"][0] / 1e6)
            row.theirs.append(result["dp_ns"][0] / 1e6)
            row.cbc.append(spent * 1e3)
            row.verdicts.append(verdict)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build" / "release" / "bench" / "bench_placement")
    parser.add_argument("--sizes", default="8x3,12x4,16x6,20x8", help="MODELSxGPUS, comma-separated")
    parser.add_argument("--count", type=int, default=63, help="instances of each size and family")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--unit", type=int, default=1, help="sizes are multiples of it, in MiB")
    parser.add_argument("--limit", type=int, default=60, help="seconds of CBC for a level")
    parser.add_argument("--no-cbc", dest="cbc", action="store_false")
    options = parser.parse_args()
    if options.cbc and not shutil.which("cbc"):
        print("without CBC, which is not installed", file=sys.stderr)
        options.cbc = False
    print(f"{'ms':22}{'count':>6}{'equal':>7}{'unproven':>10}{'ours med':>9}{'p95':>9}{'max':>9}{'sets med':>9}{'p95':>9}{'max':>9}"
          f"{'cbc med':>8}{'p95':>8}{'max':>8}{'r. med':>8}{'max':>6}")
    total = Row()
    for size in options.sizes.split(","):
        models, gpus = (int(number) for number in size.split("x"))
        for demand, speeds in FAMILIES:
            row = measure(options, models, gpus, demand, speeds)
            row.print(f"{size} {demand} {speeds}")
            total.add(row)
    total.print("all")
    sys.exit(any(verdict not in ("equal", "unproven") for verdict in total.verdicts))


main()
