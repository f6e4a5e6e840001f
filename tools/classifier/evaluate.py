#!/usr/bin/env python3
"""Leaves out one source after the other, and reports what the model trained on the rest says of it.

usage: evaluate.py --dev dev.jsonl --added added.jsonl --report docs/classify-report.md --plot docs/classify-calibration.svg

This guards against regressions and compares recipes. It is no estimate for new sources: a source is often a whole kind of
prompts, so that leaving it out is harder than meeting something new.
"""
import argparse
import collections

import numpy

import features
import model
import rows

TASKS = features.CLASSES


def leave_out(data):
    """Scores of each row by a model that has not seen its source, nor one that it was made from. Patterns are kept."""
    matrix = features.matrix([row["text"] for row in data])
    labels = numpy.array([row["label"] for row in data])
    roots = numpy.array([rows.root(row) for row in data])
    usable = numpy.array([rows.is_for_training(row) for row in data])
    found = numpy.zeros((len(data), len(TASKS)))
    for root in sorted(set(roots) - {"patterns"}):
        out = roots == root
        train = usable & ~out
        weights, bias, step = model.fit(matrix[train], labels[train])
        found[out] = model.scores(matrix[out], weights * step, bias)
    return found


def shares(data, truth, development):
    """What each row counts over all sources: tasks as often as in the development file, a source by the root of its rows."""
    families = numpy.array([row["family"] for row in data])
    weights = numpy.zeros(len(data))
    for task in range(len(TASKS)):
        of_task = truth == task
        for family in set(families[of_task]):
            these = of_task & (families == family)
            weights[these] = these.sum() ** -0.5
        weights[of_task] *= (of_task & development).sum() / weights[of_task].sum()
    return weights


def temperature(scores, truth):
    """What to divide scores by for the least cross-entropy."""
    def loss(value):
        return -numpy.log(model.probabilities(scores / value)[numpy.arange(len(truth)), truth] + 1e-12).mean()
    return min(numpy.linspace(0.5, 4, 71), key=loss)


def f1(truth, found, task, weights):
    right = weights[(truth == task) & (found == task)].sum()
    return 2 * right / (weights[truth == task].sum() + weights[found == task].sum())


def totals(truth, found, weights):
    accuracy = weights[found == truth].sum() / weights.sum()
    score = numpy.mean([f1(truth, found, task, weights) for task in range(len(TASKS))])
    return f"accuracy {accuracy:.3f}, macro-F1 over five tasks {score:.3f}"


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


def report(path, data, scores, heat, of_all):
    truth, found, flags = verdicts(data, scores)
    text, ones = scores.argmax(axis=1), numpy.ones(len(data))
    lines = ["# Classification: sources left out", "",
             "<!-- Made by tools/classifier/evaluate.py; do not edit. -->", "",
             "Each source classified by a model (quantised as in the library) that was trained on all others and the patterns;",
             "what was made from one another is left out together. A guard against regressions and a way to compare recipes,",
             "not an estimate for new sources; see [classify](classify.md).", "",
             f"All sources, with flags, tasks as often as in the development file: {of_all}.", "",
             f"Development file, with flags: {totals(truth, found, ones)}, {len(data)} rows. Temperature {heat:.2f}. The tables",
             "are of these rows.", "",
             "| task | rows | F1 | found as " + " | ".join(TASKS) + " |", "|" + "---|" * 8]
    for task, name in enumerate(TASKS):
        counts = [((truth == task) & (found == other)).sum() for other in range(5)]
        lines.append(f"| {name} | {(truth == task).sum()} | {f1(truth, found, task, ones):.3f} | " + " | ".join(map(str, counts)) + " |")
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


def verdicts(data, scores):
    """The true tasks, those found by flags and text, and the flags."""
    truth = numpy.array([TASKS.index(row["label"]) for row in data])
    flags = numpy.array([bool(row["has_image"]) for row in data])
    return truth, numpy.where(flags, TASKS.index("vision"), scores.argmax(axis=1)), flags


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for name in ("--dev", "--added", "--report", "--plot"):
        parser.add_argument(name, required=True)
    arguments = parser.parse_args()
    development = rows.development(arguments.dev)
    data = development + rows.added(arguments.added)
    scores = leave_out(data)
    sourced = numpy.array([row["family"] != "patterns" for row in data])
    truth, found, flags = (part[sourced] for part in verdicts(data, scores))
    of_all = totals(truth, found, shares([row for row in data if row["family"] != "patterns"], truth,
                                         numpy.arange(len(truth)) < len(development)))
    scores, flags, truth = (part[:len(development)] for part in (scores, flags, truth))
    heat = temperature(scores[~flags], truth[~flags])
    plot(arguments.plot, report(arguments.report, development, scores, heat, of_all))


if __name__ == "__main__":
    main()
