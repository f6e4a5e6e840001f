"""Every public function, type and macro is documented: what it is, parameters, result, ownership, since when."""

import re

import api

BORROWED = re.compile(r"borrowed|static|valid |owned by|same \w+; NULL", re.I)
RESULT = re.compile(r"@return|[Ee]rrors? as|[Rr]esults as|HOMELAB_(OK|E_)|@brief (Number|Index)|[Rr]esults? as|as homelab_\w+\(\)")


def check(item, header_says_borrowed):
    comment = item.comment
    if not comment:
        yield "no doc comment right before it"
        return
    if not re.search(r"@since \d+\.\d+\.\d+", comment):
        yield "no @since RELEASE"
    if item.kind != "function":
        return
    if not re.search(r"@brief \S+", comment):
        yield "no @brief"
    for names in re.findall(r"@param(?:\[\w+\])? ((?:\w+, )*\w+)", comment):
        for name in names.split(", "):
            if name not in item.params:
                yield f"@param {name} is no parameter (there are: {', '.join(item.params) or 'none'})"
    if item.returns == "char *" and "homelab_free" not in comment:
        yield "returns a string to free, but does not name homelab_free()"
    if item.returns == "const char *" and not header_says_borrowed and not BORROWED.search(comment):
        yield "returns a borrowed string, but does not say whose it is or how long it lives"
    makes = any(part in item.name for part in ("_new", "_load_", "_parse", "_set_", "_add_", "_start", "_close"))
    if item.returns == "int" and makes and not RESULT.search(comment):
        yield "does not say what it returns"
    if len(item.params) > 3 and "@param" not in comment and not re.search(r"\bas\b|[Ee]rrors as", comment):
        yield f"{len(item.params)} parameters, but no @param"


def main():
    problems = []
    items = api.read()
    borrowed = {header: "Strings are borrowed" in " ".join(header.read_text(encoding="utf-8").split("*"))
                or bool(re.search(r"Strings are\s+(\*\s*)?borrowed", header.read_text(encoding="utf-8")))
                for header in api.headers()}
    for item in items:
        problems += [f"{item}: {what}" for what in check(item, borrowed[item.header])]
    if len(items) < 100:
        problems.append(f"only {len(items)} public names were found in the headers; the reader of this test is broken")
    api.finish(problems)


main()
