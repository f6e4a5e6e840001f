"""Makes bindings/lua/library/homelab/core.lua, the LuaLS annotations of what SWIG generates, from the headers; scripts/generate
runs it. What the Lua sources add is annotated by hand in bindings/lua/library/homelab.lua."""
import re
import textwrap

import wrap

HEAD = """---@meta homelab.core
-- The module that SWIG generates, for the Lua language server. Generated from the public headers by scripts/generate; do not
-- edit.

---@class homelab.Object
local Object = {}

---Releases what the object holds at once; a collection does it otherwise. Later uses of it are errors.
function Object:release() end

---@class homelab.core
---@field classes table<string, table> The metatables of the classes by name
local core = {}

---Turns a JSON text into tables; null is nil.
---@param json string
---@return any value
---@return string? message
---@return integer? code
function core.decode(json) end
"""
NUMBERS = {"int": "integer", "int32_t": "integer", "uint32_t": "integer", "int64_t": "integer", "uint64_t": "integer",
           "size_t": "integer", "double": "number", "bool": "boolean"}
CALLBACKS = {"homelab_log_fn": "fun(level: integer, subsystem: string, message: string)",
             "homelab_secret_fn": "fun(request: homelab.SecretRequest): string|integer|boolean|nil, string?"}
FAILS = re.compile(r"HOMELAB_E_|negative code|error record|[Ee]rrors? (also )?as|[Rr]esults as|[Pp]arameters and results")
KEYWORDS = {"end", "function", "local", "nil", "not", "or", "and", "repeat", "until", "then"}


def statuses(api_):
    """The functions whose result is only that they succeeded."""
    text = (wrap.ROOT / "bindings/lua/lua.i").read_text(encoding="utf-8")
    return set(re.findall(r"^HOMELAB_STATUS\((\w+)\)", text, re.M)) \
        | {one.name if one.owner else one.symbol for one in api_.functions if wrap.is_status(one)}


def sentence(comment):
    """A doc comment without its tags, in the words of the scripts."""
    text = re.sub(r"\s*@since \S+", "", comment or "")
    text = re.split(r"\s*@(?:param|return)", text)[0].replace("@brief ", "")
    return text.replace("HOMELAB_", "").replace("homelab_", "").strip()


def number(value):
    """A constant as Lua writes it."""
    return value if value.startswith('"') else value.strip("()").rstrip("uUlL")


def said(text):
    return "\n".join(textwrap.wrap(text, 120, initial_indent="---", subsequent_indent="---", break_long_words=False,
                                   break_on_hyphens=False))


def kind(declared):
    """The type of a parameter as declared, in Lua."""
    for callback, shown in CALLBACKS.items():
        if declared.startswith(callback):
            return shown
    if "char *" in declared:
        return "string"
    pointer = re.match(r"(?:const )?(homelab_\w+) \*", declared)
    if pointer:
        return "homelab." + wrap.class_name(pointer[1])
    return NUMBERS[declared.split(" ")[0]]


def parameters(function):
    """Name, type and whether it may be left out, of each argument that a script gives."""
    taken = function.taken()
    found = []
    for index, (declared, name) in enumerate(taken):
        if re.match(r"size_t length|void \*userdata|homelab_destroy_fn", declared):
            continue
        callback = declared.split(" ")[0] in CALLBACKS
        optional = callback or name in function.nullable or function.default(index, taken) is not None
        found.append((name + "_" if name in KEYWORDS else name, kind(declared), optional))
    return found


def result(function, done):
    item = function.item
    if function.result:
        return "homelab." + wrap.class_name(function.result) + "?"
    if item.returns == "void":
        return None
    if "char *" in item.returns:
        return "string?"
    if item.returns == "int" and (function.name if function.owner else function.symbol) in done:
        return "boolean?"
    return NUMBERS[item.returns]


def definition(function, where, done):
    lines = [said(sentence(function.item.comment))]
    found = parameters(function)
    lines += [f"---@param {name}{'?' if optional else ''} {shown}" for name, shown, optional in found]
    returned = result(function, done)
    fails = function.item.returns == "char *" or function.result and not function.lends \
        or FAILS.search(function.item.comment or "")
    if returned:
        lines.append(f"---@return {returned if not fails or returned.endswith('?') else returned + '?'}")
        if fails:
            lines += ["---@return string? message", "---@return integer? code"]
    if function.name == "json" and function.kind == "method":
        lines.append(f"function {where}:json({', '.join(name for name, _, _ in found)}) end\n\n---The same as plain tables; null is nil.")
        lines += [f"---@param {name}{'?' if optional else ''} {shown}" for name, shown, optional in found]
        lines += ["---@return table?", "---@return string? message", "---@return integer? code"]
        lines.append(f"function {where}:to_table({', '.join(name for name, _, _ in found)}) end\n")
        return "\n".join(lines)
    separator = ":" if function.kind == "method" else "."
    name = "new" if function.kind == "constructor" else function.name
    lines.append(f"function {where}{separator}{name}({', '.join(name for name, _, _ in found)}) end\n")
    return "\n".join(lines)


def annotations():
    """The text of bindings/lua/library/homelab/core.lua."""
    everything = wrap.Api()
    done = statuses(everything)
    out = [HEAD]
    for item in everything.constants:
        out.append(f"{said(sentence(item.comment))}\ncore.{wrap.script_name(item.name)} = {number(item.value)}\n")
    functions = [one for one in everything.functions if not everything.skips.find(one.symbol, "lua")]
    for name in everything.types:
        short = wrap.class_name(name)
        out.append(f"{said(sentence(everything.types[name].comment))}\n---@class homelab.{short}: homelab.Object\nlocal {short} = {{}}\n")
        own = [one for one in functions if one.owner == name]
        out += [definition(one, short, done) for one in own if one.kind == "method"]
        out.append(f"core.{short} = {{}}\n")
        out += [definition(one, f"core.{short}", done) for one in own if one.kind != "method"]
    out += [definition(one, "core", done) for one in functions if not one.owner]
    out.append("return core\n")
    return "\n".join(out)
