"""The tree holds no notes to self and no paths of anybody's machine, and its text files are plain and clean."""

import re
import subprocess

import api

# Put together here so that this file does not contain them.
NOTES = ["TO" + "DO", "FIX" + "ME", "X" + "XX:", "HA" + "CK:"]
PATHS = re.compile(r"(?<![\w$}.*)-])/(home|root|work|srv)/\w")
# There a path is an example of a user's file.
EXAMPLES = ("docs/", "examples/", "tests/data/", "tests/fuzz/corpus/", "README.md", "schema/")
BINARY = (".png", ".gguf", ".abi", ".gz", ".bin")


def tracked():
    done = subprocess.run(["git", "ls-files"], cwd=api.ROOT, capture_output=True, text=True)
    if done.returncode == 0 and done.stdout:
        return done.stdout.split("\n")[:-1]
    return [str(p.relative_to(api.ROOT)) for p in api.ROOT.rglob("*") if p.is_file() and "build" not in p.parts]


def main():
    problems = []
    for name in tracked():
        path = api.ROOT / name
        if name.endswith(BINARY) or "corpus/" in name or not path.is_file():
            continue
        data = path.read_bytes()
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            if not name.startswith("tests/data/"):
                problems.append(f"{name}: not UTF-8 ({error.reason} at byte {error.start})")
            continue
        clean = not name.startswith("tests/data/")
        for number, line in enumerate(text.split("\n"), 1):
            problems += [f"{name}:{number}: {word}" for word in NOTES if word in line]
            if PATHS.search(line) and not name.startswith(EXAMPLES):
                problems.append(f"{name}:{number}: path of somebody's machine: {line.strip()}")
            if clean and line != line.rstrip():
                problems.append(f"{name}:{number}: white space at the end of the line")
        if clean and text and not text.endswith("\n"):
            problems.append(f"{name}: no newline at its end")
    api.finish(problems)


main()
