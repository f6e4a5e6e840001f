#!/usr/bin/env python3
"""Leaves out one family of sources after the other, and reports what the model trained on the rest says of it.

usage: evaluate.py --dev dev.jsonl --added added.jsonl --report docs/classify-report.md --plot docs/classify-calibration.svg

This guards against regressions. It is no estimate for new sources: a family of the development file is often a whole
kind of prompts, so that leaving it out is harder than meeting something new.
"""
import argparse
import collections

import numpy

import features
import model
import rows

TASKS = features.CLASSES


def leave_out(data, added):
    """Scores of each row of data by a model that has not seen its family."""
    everything = data + added
    matrix = features.matrix([row["text"] for row in everything])
    labels = numpy.array([row["label"] for row in everything])
    families = numpy.array([row["family"] for row in everything])
    usable = numpy.array([rows.is_for_training(row) for row in everything])
    found = numpy.zeros((len(data), len(TASKS)))
    for family in sorted({row["family"] for row in data}):
        out = families[:len(data)] == family
        train = usable & (families != family)
        weights, bias, step = model.fit(matrix[train], labels[train])
        found[out] = model.scores(matrix[:len(data)][out], weights * step, bias)
    return found


def temperature(scores, truth):
    """What to divide scores by for the least cross-entropy."""
    def loss(value):
        return -numpy.log(model.probabilities(scores / value)[numpy.arange(len(truth)), truth] + 1e-12).mean()
    return min(numpy.linspace(0.5, 4, 71), key=loss)


def f1(truth, found, task):
    right = ((truth == task) & (found == task)).sum()
    return 2 * right / max(1, (truth == task).sum() + (found == task).sum())


def calibration(probability, right):
    """Ten bins of equal size: mean confidence, share of right ones, count."""
    order = numpy.argsort(probability)
    return [(probability[part].mean(), right[part].mean(), len(part)) for part in numpy.array_split(order, 10)]


def plot(path, bins):
    def point(x, y):
        return f"{40 + 240 * x:.1f},{260 - 240 * y:.1f}"
    line = " ".join(point(x, y) for x, y, _ in bins)
    dots = "\n".join(f'<circle cx="{40 + 240 * x:.1f}" cy="{260 - 240 * y:.1f}" r="3"/>' for x, y, _ in bins)
    ticks = "\n".join(f'<text x="{40 + 240 * t:.0f}" y="276" text-anchor="middle">{t}</text>'
                      f'<text x="34" y="{264 - 240 * t:.0f}" text-anchor="end">{t}</text>' for t in (0, 0.25, 0.5, 0.75, 1))
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 300" font-family="sans-serif" font-size="10">
<rect width="300" height="300" fill="white"/>
<rect x="40" y="20" width="240" height="240" fill="none" stroke="#888"/>
<line x1="40" y1="260" x2="280" y2="20" stroke="#bbb" stroke-dasharray="4"/>
<polyline points="{line}" fill="none" stroke="#06c" stroke-width="1.5"/>
<g fill="#06c">
{dots}
</g>
<g fill="#333">
{ticks}
<text x="160" y="292" text-anchor="middle">confidence</text>
<text x="12" y="140" text-anchor="middle" transform="rotate(-90 12 140)">share that is right</text>
</g>
</svg>
""")


def report(path, data, scores, heat):
    truth = numpy.array([TASKS.index(row["label"]) for row in data])
    flags = numpy.array([bool(row["has_image"]) for row in data])
    text = scores.argmax(axis=1)
    found = numpy.where(flags, TASKS.index("vision"), text)
    lines = ["# Classification: families of sources left out", "",
             "<!-- Made by tools/classifier/evaluate.py; do not edit. -->", "",
             "Each family of the development file classified by a model (quantised as in the library) that was trained on",
             "all other families and the added sources. A guard against regressions, not an estimate for new sources; see",
             "[classify](classify.md).", "",
             f"With flags: accuracy {(found == truth).mean():.3f}, macro-F1 over five tasks "
             f"{numpy.mean([f1(truth, found, t) for t in range(5)]):.3f}, {len(data)} rows. Temperature {heat:.2f}.", "",
             "| task | rows | F1 | found as " + " | ".join(TASKS) + " |", "|" + "---|" * 9]
    for task, name in enumerate(TASKS):
        counts = [((truth == task) & (found == other)).sum() for other in range(5)]
        lines.append(f"| {name} | {(truth == task).sum()} | {f1(truth, found, task):.3f} | " + " | ".join(map(str, counts)) + " |")
    lines += ["", "| language | rows | accuracy |", "|---|---|---|"]
    languages = numpy.array([row["lang"] for row in data])
    for language, count in collections.Counter(languages).most_common():
        lines.append(f"| {language} | {count} | {(found == truth)[languages == language].mean():.3f} |")
    lines += ["", "| family | rows | tasks | accuracy |", "|---|---|---|---|"]
    families = numpy.array([row["family"] for row in data])
    for family in sorted(set(families)):
        these = families == family
        names = ", ".join(sorted({TASKS[t] for t in truth[these]}))
        lines.append(f"| {family} | {these.sum()} | {names} | {(found == truth)[these].mean():.3f} |")
    probability = model.probabilities(scores / heat).max(axis=1)[~flags]
    bins = calibration(probability, (text == truth)[~flags])
    error = sum(abs(x - y) * n for x, y, n in bins) / sum(n for _, _, n in bins)
    lines += ["", f"Calibration of what the text decides, in tenths of the rows (expected calibration error {error:.3f}):", "",
              "| confidence | right |", "|---|---|"] + [f"| {x:.2f} | {y:.2f} |" for x, y, _ in bins]
    lines += ["", "![calibration](classify-calibration.svg)"]
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    print("\n".join(lines))
    return bins


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for name in ("--dev", "--added", "--report", "--plot"):
        parser.add_argument(name, required=True)
    arguments = parser.parse_args()
    data = rows.development(arguments.dev)
    scores = leave_out(data, rows.added(arguments.added))
    plain = numpy.array([not row["has_image"] for row in data])
    truth = numpy.array([TASKS.index(row["label"]) for row in data])
    heat = temperature(scores[plain], truth[plain])
    plot(arguments.plot, report(arguments.report, data, scores, heat))


if __name__ == "__main__":
    main()
