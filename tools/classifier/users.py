#!/usr/bin/env python3
"""Prompts of real users with labels given by hand, for homelab route --eval; never trained on.

usage: users.py --out FOLDER [--repos FOLDER]

Koala's test set (Apache-2.0, English) and the seeds of InstructionWild (for research only: no weights come from them; English
and Chinese, the same prompts). The numbers are places in the source; what is in no list is chat, what is under None has
no clear label and is left out. Labels were given by the first hundred characters or so of each prompt.
"""
import argparse
import json
import pathlib

import sources

KOALA = {
    "code": "107 139 155 178",
    "reason": "17 27 28 38 51 52 56 71 122 135 173 174 179",
    "fast": "5 12 44 48 58 63 86 98 102 132 143 147 152",
    None: "2 34 83 87 104 124 148",
}
WILD = {
    "code": ("0 3 7 9 22 23 36 44 45 52 54 55 56 70 71 72 82 84 85 92 96 97 112 114 122 126 140 146 147 168 "
             "177 184 223 225 238"),
    "reason": "4 12 25 34 46 64 65 66 67 68 106 108 116 123 144 235 239",
    "fast": "29 74 75 76 80 101 145 160 182 190 211 212 236 242 244",
    None: ("1 11 14 16 24 30 31 32 33 38 53 60 62 79 87 104 120 134 136 157 161 166 192 200 204 240 246 247 "
             "249"),
}


def numbers(text):
    return {int(number) for number in text.split()}


def labelled(texts, places, start=0):
    """(text, label) of the texts from start on."""
    kinds = {label: numbers(listed) for label, listed in places.items()}
    unclear = kinds.pop(None)
    for place, text in enumerate(texts):
        if place >= start and place not in unclear:
            yield text, next((label for label, listed in kinds.items() if place in listed), "chat")


def koala(repos):
    repo = sources.Repo(repos, "arnav-gudibande/koala-test-set", "2d4396aee3cf")
    return labelled([row["prompt"] for row in repo.lines("koala_test_set.jsonl")], KOALA)


def wild(repos, language, start, unclear=""):
    repo = sources.Repo(repos, "XueFuzhao/InstructionWild", "047fa6b9abd4")
    texts = [row["instruction"] for row in repo.lines(f"data/seed_prompts_{language}.jsonl")][:260]
    return labelled(texts, {**WILD, None: f"{WILD[None]} {unclear}"}, start)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--repos", type=pathlib.Path, default=pathlib.Path("build/classifier/repos"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    # The Chinese seeds follow the order of the English ones from the 22nd on, but for two.
    parts = {"koala": koala(arguments.repos), "wild-en": wild(arguments.repos, "en", 0),
             "wild-zh": wild(arguments.repos, "ch", 22, "43 44")}
    for name, rows in parts.items():
        with open(arguments.out / f"{name}.jsonl", "w", encoding="utf-8") as out:
            for number, (text, label) in enumerate(rows):
                out.write(json.dumps({"id": f"{name}-{number}", "text": text, "label": label}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
