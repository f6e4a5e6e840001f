"""Makes the SWIG declarations of bindings/api.i from the public headers; scripts/generate runs it.

What the headers' uniform shape says about each function decides how a script sees it:

    homelab_x_verb(homelab_x *x, …)           method verb of class X
    int homelab_x_new(homelab_x **out, …)     constructor of X
    int homelab_x_verb(homelab_x **out, …)    function X.verb that returns a new X
    int …(…, homelab_y **out)                 returns a new Y, or nothing
    homelab_y *homelab_x_y(const homelab_x *) returns a Y with a reference of its own
    homelab_verb(…)                           function verb of the module

A pointer may be NULL where its @param says "or NULL", "may be NULL" or "NULL removes", and options always; everything else
must be given.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/meta"))
import api  # noqa: E402

HEAD = """/* Generated from the public headers by scripts/generate; do not edit. How each shape of a function is bound is said by the
 * macros in homelab.i, and by python.i and lua.i. */
"""
SCALARS = {"int": "int", "bool": "bool", "double": "float", "int64_t": "int", "uint64_t": "int", "int32_t": "int",
           "uint32_t": "int", "size_t": "int"}
MAY_BE_NULL = re.compile(r"\bor NULL\b|\bmay be NULL\b|\bNULL removes\b|\bNULL for\b")


class Skips:
    """bindings/skip.txt: what is not wrapped, and why."""

    def __init__(self, path=ROOT / "bindings/skip.txt"):
        self.entries = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            language, _, rest = line.rpartition(": ") if re.match(r"(python|lua): ", line) else ("", "", line)
            name, _, reason = rest.partition(" ")
            self.entries.append((language, name, reason.strip()))

    def find(self, name, language=""):
        """The entry for a symbol, or None."""
        for entry in self.entries:
            if entry[0] in ("", language) and re.fullmatch(re.escape(entry[1]).replace(r"\*", ".*"), name):
                return entry
        return None


def class_name(type_name):
    return "".join(part.capitalize() for part in type_name.removeprefix("homelab_").split("_"))


def script_name(symbol):
    """The name in the module of a function without an object, or of a constant."""
    return symbol.removeprefix("homelab_").removeprefix("HOMELAB_")


def nullable(item):
    """Names of the parameters that may be NULL."""
    names = set()
    for part in re.split(r"(?=@(?:param|return|since|brief))", item.comment or ""):
        match = re.match(r"@param(?:\[\w+\])? ((?:\w+(?:, )?)+)", part)
        if match and MAY_BE_NULL.search(part):
            names.update(match[1].strip(" ,").split(", "))
    names.update(name for name, declared in zip(item.params, item.declarations)
                 if declared.startswith("const homelab_opts *"))
    return names


class Function:
    """How one public function is bound: `owner` is the class or None, `kind` one of constructor, maker (a function of the class
    that makes one), method and function; `result` the type of the object that it makes or lends, or None."""

    def __init__(self, item, types):
        self.item = item
        self.symbol = item.name
        self.arguments = list(zip(item.declarations, item.params))
        # A text with its length is one argument of a script; the typemap for that knows it by these names.
        for i, declared in enumerate(item.declarations[1:]):
            if declared == "size_t length":
                self.arguments[i] = ("const char *text", "text")
        self.owner = self.result = None
        self.kind = "function"
        self.lends = False
        first = re.fullmatch(r"(?:const )?(homelab_\w+) \*(\*?)\w+", item.declarations[0]) if item.declarations else None
        if first and first[1] in types and item.name.startswith(first[1] + "_"):
            self.owner = first[1]
            self.kind = "maker" if first[2] else "method"
        if self.kind == "maker" and item.name == self.owner + "_new":
            self.kind = "constructor"
        self.name = item.name.removeprefix((self.owner or "homelab") + "_")
        self.made = next((i for i, one in enumerate(item.declarations) if re.match(r"homelab_\w+ \*\*", one)), None)
        if self.made is not None:
            self.result = item.declarations[self.made].split(" ")[0]
        elif item.returns.endswith("*") and not item.returns.endswith("char *"):
            self.result = item.returns.removeprefix("const ").split(" ")[0]
            self.lends = True
        self.nullable = nullable(item)

    def taken(self):
        """The arguments that a script gives: (declaration, name)."""
        return [one for i, one in enumerate(self.arguments)
                if i != self.made and not (self.kind == "method" and i == 0)]

    def default(self, index, taken):
        """The default of an argument: all that follow must have one too."""
        declared, name = taken[index]
        if any(self.default(later, taken) is None for later in range(index + 1, len(taken))):
            return None
        if declared == "uint32_t flags":
            return "0"
        if name in self.nullable and not declared.startswith(("homelab_log_fn", "void")):
            return "NULL" if "_fn " not in declared else None
        return None


class Api:
    """All that is wrapped."""

    def __init__(self):
        items = api.read()
        self.skips = Skips()
        wanted = [item for item in items if not (entry := self.skips.find(item.name)) or entry[0]]
        self.constants = [item for item in wanted if item.kind == "macro"]
        releases = {item.name for item in items if item.name.endswith(("_unref", "_free"))}
        self.types = {item.name: item for item in wanted if item.kind == "type" and not item.name.endswith("_fn")}
        self.release = {name: next(one for one in (f"{name}_unref", f"{name}_free") if one in releases)
                        for name in self.types}
        # Nobody could dispatch it any more, and what runs in it would keep it for ever.
        self.release["homelab_ctx"] = "homelab_wrapped_end"
        self.functions = [Function(item, self.types) for item in wanted if item.kind == "function"]
        self.headers = list(dict.fromkeys(item.header.name for item in items))

    def of(self, owner):
        return [one for one in self.functions if one.owner == owner]

    def where_wanted(self, function, text):
        """The text, for those languages only that have the function."""
        without = [language.upper() for language in ("python", "lua") if self.skips.find(function.symbol, language)]
        return f"#ifndef SWIG{without[0]}\n{text}\n#endif" if without else text

    def waits(self, function):
        """Whether a call may wait or take long, so that an interpreter should let others run meanwhile."""
        immutable = function.owner is None or re.search("mmutable", self.types[function.owner].comment) \
            or function.owner in ("homelab_opts", "homelab_builder", "homelab_snapshot")
        if function.owner is None:
            return any("homelab_ctx *" in declared for declared, _ in function.arguments)
        return not immutable or function.kind in ("constructor", "maker") and function.owner != "homelab_opts" \
            or function.item.returns == "char *" or function.made is not None


def parameters(function):
    taken = function.taken()
    shown = []
    for index, (declared, _) in enumerate(taken):
        default = function.default(index, taken)
        shown.append(declared + (f" = {default}" if default else ""))
    return "(" + ", ".join(shown) + ")"


def declaration(function, api_):
    item = function.item
    passed = [("&made" if i == function.made else "$self" if function.kind == "method" and i == 0 else name)
              for i, (_, name) in enumerate(function.arguments)]
    call = f"{item.name}({', '.join(passed)})"
    if function.kind == "constructor":
        text = f"HOMELAB_CONSTRUCTOR({function.owner}, {parameters(function)}, {call})"
    elif function.made is not None:
        where = "static " if function.kind == "maker" else ""
        text = f"{where}HOMELAB_MAKES({function.result}, wrapped_{function.name}, {parameters(function)}, {call})"
    elif function.lends:
        text = f"HOMELAB_LENDS({function.result}, wrapped_{function.name}, {parameters(function)}, {call})"
    else:
        space = "" if item.returns.endswith("*") else " "
        name = function.name if function.owner else item.name
        text = f"{item.returns}{space}{name}{parameters(function).replace('()', '(void)')};"
    maybe = [declared for declared, name in function.taken()
             if name in function.nullable and "_fn " not in declared and not declared.startswith("void")
             and declared != "const homelab_opts *opts"]
    kind = re.compile(r"(const )?(\w+) \*")
    before = "".join(f"%apply {kind.match(one)[0]}HOMELAB_MAYBE {{ {one} }}\n" for one in maybe)
    after = "".join(f"%clear {one};\n" for one in maybe)
    return f"{before}{text}\n{after}"


def rule(function, api_):
    """Which way a function is called: see the macros."""
    where = f"{function.owner}::{function.name}" if function.owner else function.symbol
    if function.kind == "constructor":
        where = f"{function.owner}::{function.owner}"
    made = ""
    if function.result and function.kind != "constructor":
        where = f"{function.owner}::wrapped_{function.name}"
        made = f"%newobject {where};\n%rename({function.name}) {where};\n"
    if function.symbol.startswith("homelab_error_") or function.symbol.startswith("homelab_version") \
            or function.symbol == "homelab_ctx_wakeup":
        return made + f"HOMELAB_PLAIN({where})\n"
    return made + (f"HOMELAB_WAITS({where})\n" if api_.waits(function) else "")


def is_bytes(function, api_):
    """Whether the result is bytes whose number another function tells, and not a text."""
    return any(one.item.name == function.item.name + "_length" for one in api_.functions)


def is_status(function):
    """Whether the result says only that the call succeeded."""
    return function.item.returns == "int" and function.made is None \
        and bool(re.search(r"@return HOMELAB_OK\b", function.item.comment or ""))


def interface():
    """The text of bindings/api.i."""
    everything = Api()
    out = [HEAD]
    # Before the classes: SWIG generates them where they are first named, with the typemaps known by then.
    status = sorted({one.name if one.owner else one.symbol for one in everything.functions if is_status(one)})
    out += [f"HOMELAB_STATUS({name})" for name in status]
    out += [f"HOMELAB_BYTES({one.owner}, {one.name})" for one in everything.functions if is_bytes(one, everything)]
    out += [f"HOMELAB_OPTIONAL({name})" for name in everything.types]
    for name in everything.types:
        out.append(f"HOMELAB_OBJECT({name}, {class_name(name)}, {everything.release[name]})")
    for item in everything.constants:
        kind = "const char *" if item.value.startswith('"') else "int "
        out.append(f"%constant {kind}{script_name(item.name)} = {item.name};")
    out.append("")
    for name in everything.types:
        functions = everything.of(name)
        out += [rule(one, everything).rstrip() for one in functions if rule(one, everything)]
        out.append(f"%extend {name} {{")
        out += [everything.where_wanted(one, declaration(one, everything).rstrip()) for one in functions]
        out.append("}\n")
    for one in everything.of(None):
        text = rule(one, everything) + f"%rename({one.name}) {one.symbol};\n" + declaration(one, everything).rstrip()
        out.append(everything.where_wanted(one, text))
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    print(interface(), end="")
