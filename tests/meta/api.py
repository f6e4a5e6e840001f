"""Reads the public headers: functions, macros and types with their comments. Standard library only.

A function has its parameters as declared (`declarations`) and their names (`params`), a macro its `value`.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

_FUNCTION = re.compile(r"HOMELAB_API\s+(?P<returns>[^;()]*?)\b(?P<name>homelab_\w+)\s*\((?P<params>[^;]*)\)\s*;", re.S)
_TYPE = re.compile(r"^typedef\s+(?:struct\s+\w+\s+(?P<struct>\w+)|[^;]*?\(\*(?P<callback>\w+)\))[^;]*;", re.S | re.M)
_MACRO = re.compile(r"^#define (?P<name>HOMELAB_\w+)[ \t]+(?P<value>\S.*)", re.M)
_COMMENT = re.compile(r"/\*.*?\*/", re.S)


class Item:
    """One public name: kind is "function", "type" or "macro"; comment is None without a doc comment."""

    def __init__(self, header, kind, name, line, comment, returns="", params=(), value=""):
        self.header = header
        self.kind = kind
        self.name = name
        self.line = line
        self.comment = comment
        self.returns = returns
        self.declarations = list(params)
        self.params = [re.findall(r"\w+", one)[-1] for one in params]
        self.value = value
        self.unstable = header.name == "testing.h"

    def __str__(self):
        return f"include/homelab/{self.header.name}:{self.line}: {self.name}"


def headers(include=ROOT / "include"):
    """The public headers, in alphabetical order."""
    return sorted((include / "homelab").glob("*.h"))


def _blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def _comment_before(text, start):
    """The doc comment that ends right before start, joined to one line."""
    before = text[:start].rstrip()
    if not before.endswith("*/"):
        return None
    begin = before.rfind("/*")
    comment = before[begin:]
    if not comment.startswith("/**") or "@file" in comment:
        return None
    return " ".join(line.strip().lstrip("*").strip() for line in comment[3:-2].splitlines()).strip()


def _params(text):
    """The parameters as declared; function types are always typedefs here, so commas separate."""
    parts = [" ".join(part.split()) for part in text.split(",")]
    return [part for part in parts if part not in ("", "void")]


def read(include=ROOT / "include"):
    """All public items of the headers."""
    items = []
    for header in headers(include):
        text = header.read_text(encoding="utf-8")
        code = _COMMENT.sub(_blank, text)

        def add(kind, match, name, returns="", params=(), value="", header=header, text=text):
            line = text.count("\n", 0, match.start()) + 1
            comment = _comment_before(text, match.start())
            items.append(Item(header, kind, name, line, comment, " ".join(returns.split()), params, value))

        for match in _FUNCTION.finditer(code):
            add("function", match, match["name"], match["returns"], _params(match["params"]))
        for match in _TYPE.finditer(code):
            add("type", match, match["struct"] or match["callback"])
        if header.name != "export.h":
            for match in _MACRO.finditer(code):
                add("macro", match, match["name"], value=match["value"].strip())
    return items


def functions(include=ROOT / "include"):
    """The public functions only."""
    return [item for item in read(include) if item.kind == "function"]


def all_symbols_program(include=ROOT / "include"):
    """A C program that refers to every public function and prints the version of the library."""
    names = [item.name for item in functions(include)]
    lines = ["#define HOMELAB_UNSTABLE", "#include <homelab/homelab.h>", "#include <homelab/testing.h>",
             "#include <stdio.h>", "typedef void (*function)(void);", "static function const all[] = {"]
    lines += [f"    (function){name}," for name in names]
    lines += ["};", "int main(void)", "{", "    size_t i;",
              "    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)",
              "        if (!all[i])", "            return 1;",
              '    printf("%s\\n", homelab_version());', "    return 0;", "}"]
    return "\n".join(lines) + "\n"


def finish(problems):
    """Prints the problems, one a line, and ends with the fitting status."""
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems" if problems else "no problems")
    sys.exit(1 if problems else 0)
