"""readme.py LIBRARY HOMELAB: the examples in README.md work: C compiles, links and says what is wrong; the inventory is valid."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import api


def blocks(language):
    text = (api.ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.S | re.M)


def main():
    library, homelab = map(pathlib.Path, sys.argv[1:3])
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        for number, source in enumerate(blocks("c")):
            path = pathlib.Path(folder) / f"{number}.c"
            path.write_text(source, encoding="utf-8")
            done = subprocess.run(["cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{api.ROOT / 'include'}",
                                   str(path), "-o", str(path.with_suffix("")), f"-L{library.parent}", "-lhomelab"],
                                  capture_output=True, text=True)
            if done.returncode != 0:
                problems.append(f"C example {number}: {done.stderr}")
                continue
            ran = subprocess.run([str(path.with_suffix("")), "/nonexistent"], capture_output=True, text=True,
                                 env={**os.environ, "LD_LIBRARY_PATH": str(library.parent)})
            if ran.returncode != 1 or "/nonexistent" not in ran.stderr:
                problems.append(f"C example {number}: without an inventory: {ran.returncode} {ran.stdout}{ran.stderr}")
        for language in ("json", "yaml"):
            for number, text in enumerate(blocks(language)):
                path = pathlib.Path(folder) / f"{number}.{language}"
                path.write_text(text, encoding="utf-8")
                done = subprocess.run([str(homelab), "validate", str(path)], capture_output=True, text=True)
                if done.returncode != 0:
                    problems.append(f"{language} example {number}: {done.stdout}{done.stderr}")
    api.finish(problems)


main()
