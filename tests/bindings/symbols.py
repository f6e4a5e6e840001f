"""symbols.py LANGUAGE PROGRAM: every public symbol is in the module, or in bindings/skip.txt with a reason.

The module is looked at as it is loaded by the interpreter; which names it must have is read off the headers here, apart from
the generator that makes the declarations.
"""

import re
import subprocess
import sys

ROOT = __import__("pathlib").Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/meta"), str(ROOT / "scripts")]
import api  # noqa: E402
from wrap import Skips  # noqa: E402

PYTHON = """
from homelab import _native
for name in dir(_native):
    value = getattr(_native, name)
    print(name)
    if isinstance(value, type):
        print(*(name + "." + member for member in vars(value)), name + ".new", sep="\\n")
"""
LUA = """
for name, value in pairs(require("homelab.core")) do
    print(name)
    for member in pairs(type(value) == "table" and value or {}) do print(name .. "." .. tostring(member)) end
end
for _, class in pairs(debug.getregistry()["SWIG"]) do
    for member in pairs(type(class) == "table" and class[".fn"] or {}) do print(class[".type"] .. "." .. tostring(member)) end
end
"""


def class_name(type_name):
    return "".join(part.title() for part in type_name.split("_")[1:])


def expected(item, types):
    """The names of which one must be in the module."""
    if item.kind == "type":
        return [class_name(item.name)]
    if item.kind == "macro":
        return [item.name.removeprefix("HOMELAB_")]
    first = re.match(r"(?:const )?(homelab_\w+) \*", item.declarations[0]) if item.declarations else None
    if first and first[1] in types and item.name.startswith(first[1] + "_"):
        return [f"{class_name(first[1])}.{item.name.removeprefix(first[1] + '_')}"]
    return [item.name.removeprefix("homelab_")]


def main():
    language, program = sys.argv[1:3]
    command = [program, "-c", PYTHON] if language == "python" else [program, "-e", LUA]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        api.finish([f"{program}: {done.stderr.strip()}"])
    there = set(done.stdout.split())
    items = [item for item in api.read() if item.header.name != "export.h"]
    types = {item.name for item in items if item.kind == "type"}
    skips = Skips()
    used, problems = set(), []
    for item in items:
        entry = skips.find(item.name, language)
        names = expected(item, types)
        found = [name for name in names if name in there]
        if entry:
            used.add(entry)
            if not entry[2]:
                problems.append(f"skip.txt: {entry[1]}: no reason")
            if found and not (item.kind == "type" or item.name.endswith("_free")):
                problems.append(f"{item}: in the module as {found[0]}, though skip.txt has {entry[1]}")
        elif not found:
            problems.append(f"{item}: not in the module as {names[0]}, and not in skip.txt")
    problems += [f"skip.txt: {entry[1]}: no such symbol" for entry in skips.entries
                 if entry[0] in ("", language) and entry not in used]
    if len(items) < 200:
        problems.append(f"only {len(items)} public names were found in the headers; the reader of this test is broken")
    api.finish(problems)


main()
