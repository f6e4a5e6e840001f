"""Training rows: the development file, the collected sources and the patterns."""

import json
import re

import seeds

# A prompt that comes with an image is decided by the image, so the text model only has to know those that
# name the picture: theirs may come without one.
NAMES_PICTURE = re.compile(r"\b(image|picture|photo|figure|chart|diagram|screenshot|painting|logo|meme|imagen|foto|bild"
                           r"|capture|gráfica)\b|写真|画像|图片|照片|图中|截图", re.I)

# Families whose rows come from one another, by translation or by a common collection: none tells of the others.
ROOTS = {"msvamp": "svamp", "qald-9-plus": "qald", "cmrc-passages": "cmrc2018", "arc-easy": "arc-challenge",
         "bigbench-deduction": "bbh", "bigbench-operators": "bbh", "chatgpt-shortcut": "awesome", "llavawild": "llava90",
         "jhuman-eval": "humaneval", "xsid": "snips"}


def root(row):
    return ROOTS.get(row["family"], row["family"])


def _load(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def development(path):
    """Rows of the development file but for embeddings, which the kind of request decides."""
    return [row for row in _load(path) if row["label"] != "embed"]


def added(path):
    """Rows of sources.py and seeds.py."""
    rows = _load(path)
    for row in rows:
        row["has_image"] = row["label"] == "vision"
    rows += [{"text": text, "label": label, "lang": language, "family": "patterns", "has_image": False}
             for text, label, language in seeds.rows()]
    return rows


def is_for_training(row):
    return row["label"] != "vision" or not row["has_image"] or bool(NAMES_PICTURE.search(row["text"]))
