"""symbols.py LIBRARY: the public headers, src/homelab.map and the symbols of the library agree."""

import re
import subprocess
import sys

import api


def map_nodes():
    """Node name -> its global symbols."""
    text = re.sub(r"#.*", "", (api.ROOT / "src/homelab.map").read_text(encoding="utf-8"))
    nodes = {}
    for name, body in re.findall(r"(\w[\w.]*)\s*\{(.*?)\}", text, re.S):
        exported = body.split("local:")[0].replace("global:", "")
        nodes[name] = [word.strip() for word in exported.split(";") if word.strip()]
    return nodes


def main():
    problems = []
    declared = {item.name: item for item in api.functions()}
    nodes = map_nodes()
    mapped = {}
    for node, names in nodes.items():
        if names != sorted(names):
            problems.append(f"homelab.map: {node} is not in alphabetical order")
        for name in names:
            if name in mapped:
                problems.append(f"homelab.map: {name} stands in {mapped[name]} and in {node}")
            mapped[name] = node

    for name, item in declared.items():
        node = mapped.get(name)
        if node is None:
            problems.append(f"{item}: not in src/homelab.map")
            continue
        since = re.search(r"@since (\d+\.\d+\.\d+)", item.comment or "")
        wanted = "HOMELAB_UNSTABLE" if item.unstable else f"HOMELAB_{since[1]}" if since else node
        if node != wanted:
            problems.append(f"{item}: in map node {node}, expected {wanted}")
    for name in mapped.keys() - declared.keys():
        problems.append(f"homelab.map: {name} is declared in no public header")

    listing = subprocess.run(["nm", "-D", "--defined-only", sys.argv[1]], check=True, capture_output=True, text=True)
    exported = {}
    for line in listing.stdout.splitlines():
        kind, name = line.split()[-2:]
        if kind != "A":
            name, _, node = name.partition("@")
            exported[name] = node.lstrip("@")
    for name in mapped.keys() - exported.keys():
        problems.append(f"{name}: in src/homelab.map, but the library does not define it")
    for name in exported.keys() - mapped.keys():
        problems.append(f"{name}: exported by the library, but not in src/homelab.map")
    for name in exported.keys() & mapped.keys():
        if exported[name] != mapped[name]:
            problems.append(f"{name}: exported as {exported[name]}, expected {mapped[name]}")

    dynamic = subprocess.run(["readelf", "-dW", sys.argv[1]], check=True, capture_output=True, text=True).stdout
    for wanted in ("Library soname: [libhomelab.so.0]", "NOW", "NODELETE"):
        if wanted not in dynamic:
            problems.append(f"library: dynamic section lacks {wanted}")
    if "TEXTREL" in dynamic:
        problems.append("library: has text relocations")
    api.finish(sorted(problems))


main()
