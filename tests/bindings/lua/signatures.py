"""signatures.py FILE: what the headers say about each function that Lua gets, as a Lua table for test_arguments.lua."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/meta"), str(ROOT / "scripts")]
import wrap  # noqa: E402

BOUNDS = {"int": (-2**31, 2**31 - 1), "int32_t": (-2**31, 2**31 - 1), "uint32_t": (0, 2**32 - 1), "size_t": (0, None),
          "int64_t": (None, None), "uint64_t": (0, None)}


def arguments(function):
    """The arguments that a script gives, one Lua table each."""
    taken = function.taken()
    for index, (declared, name) in enumerate(taken):
        kind = declared.removesuffix(name).strip().removeprefix("const ")
        if kind in ("void *", "homelab_destroy_fn"):
            continue
        if name == "length" and index > 0 and taken[index - 1][0].startswith("const char *"):
            continue
        may = name in function.nullable or function.default(index, taken) is not None
        fields = [f'name = "{name}"', f"optional = {str(may).lower()}"]
        if kind in BOUNDS:
            low, high = BOUNDS[kind]
            fields.append('kind = "integer"')
            fields += [f"below = {low - 1}"] if low is not None else []
            fields += [f"above = {high + 1}"] if high is not None else []
        elif kind == "char *":
            whole = index + 1 < len(taken) and taken[index + 1][1] == "length"
            fields.append(f'kind = "string", whole = {str(whole).lower()}')
        elif kind in ("double", "bool"):
            fields.append(f'kind = "{"number" if kind == "double" else "boolean"}"')
        elif kind.endswith("_fn"):
            fields = [f'name = "{name}"', "optional = true", 'kind = "function"']
        else:
            match = re.fullmatch(r"homelab_\w+ \*", kind)
            if not match:
                raise SystemExit(f"{function.symbol}: {declared}: this test does not know the type")
            fields.append(f'kind = "object", class = "{wrap.class_name(kind[:-2])}"')
        yield "{ " + ", ".join(fields) + " }"


def main():
    everything = wrap.Api()
    names = ", ".join(f'"{wrap.script_name(item.name)}"' for item in everything.constants)
    lines = ["return {", f"    constants = {{ {names} }},"]
    for function in everything.functions:
        if everything.skips.find(function.symbol, "lua"):
            continue
        owner = f'"{wrap.class_name(function.owner)}"' if function.owner else "nil"
        name = "new" if function.kind == "constructor" else function.name
        lines.append(f'    {{ symbol = "{function.symbol}", class = {owner}, name = "{name}", '
                     f'method = {str(function.kind == "method").lower()},')
        lines.append(f"        arguments = {{ {', '.join(arguments(function))} }} }},")
    lines.append("}")
    pathlib.Path(sys.argv[1]).write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
