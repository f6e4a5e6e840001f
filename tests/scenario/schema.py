"""As much of JSON Schema 2020-12 as the schemas of this project use; an unknown keyword is an error."""

TYPES = {
    "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int,
    "number": (int, float),
}
IGNORED = {"$schema", "$defs", "$id", "title", "description", "default", "examples", "$comment"}


def is_type(value, name):
    if isinstance(value, bool) and name in ("integer", "number"):
        return False
    return isinstance(value, TYPES[name])


class Checker:
    def __init__(self, root):
        self.root = root
        self.found = []

    def resolve(self, reference):
        node = self.root
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        return node

    def wrong(self, where, text):
        self.found.append(f"{where or '/'}: {text}")

    def check(self, value, schema, where):
        for keyword, wanted in schema.items():
            if keyword in IGNORED or keyword in ("then", "else"):
                continue
            method = getattr(self, "check_" + keyword.replace("$", ""), None)
            if method is None:
                raise NotImplementedError(keyword)
            method(value, wanted, where, schema)

    def check_ref(self, value, wanted, where, _):
        self.check(value, self.resolve(wanted), where)

    def check_type(self, value, wanted, where, _):
        names = wanted if isinstance(wanted, list) else [wanted]
        if not any(is_type(value, name) for name in names):
            self.wrong(where, f"found {value!r:.60}, expected {' or '.join(names)}")

    def check_const(self, value, wanted, where, _):
        if value != wanted:
            self.wrong(where, f"found {value!r}, expected {wanted!r}")

    def check_enum(self, value, wanted, where, _):
        if value not in wanted:
            self.wrong(where, f"found {value!r}, expected one of {wanted}")

    def check_required(self, value, wanted, where, _):
        for key in wanted:
            if isinstance(value, dict) and key not in value:
                self.wrong(where, f"has no key {key!r}")

    def check_properties(self, value, wanted, where, _):
        for key, schema in wanted.items():
            if isinstance(value, dict) and key in value:
                self.check(value[key], schema, f"{where}/{key}")

    def check_additionalProperties(self, value, wanted, where, schema):
        for key in value if isinstance(value, dict) else ():
            if wanted is False and key not in schema.get("properties", {}):
                self.wrong(where, f"has the unknown key {key!r}")

    def check_items(self, value, wanted, where, _):
        for i, item in enumerate(value if isinstance(value, list) else ()):
            self.check(item, wanted, f"{where}/{i}")

    def check_uniqueItems(self, value, wanted, where, _):
        if wanted and isinstance(value, list) and len({repr(item) for item in value}) != len(value):
            self.wrong(where, "has an item twice")

    def check_minimum(self, value, wanted, where, _):
        if is_type(value, "number") and value < wanted:
            self.wrong(where, f"found {value}, expected at least {wanted}")

    def check_maximum(self, value, wanted, where, _):
        if is_type(value, "number") and value > wanted:
            self.wrong(where, f"found {value}, expected at most {wanted}")

    def check_allOf(self, value, wanted, where, _):
        for schema in wanted:
            self.check(value, schema, where)

    def check_if(self, value, wanted, where, schema):
        trial = Checker(self.root)
        trial.check(value, wanted, where)
        self.check(value, schema.get("else" if trial.found else "then", {}), where)


def problems(value, schema):
    checker = Checker(schema)
    checker.check(value, schema, "")
    return checker.found
