"""The types of the package: mypy --strict over its source and the examples, stubtest against the module as it is loaded.

mypy comes from the package index, once, by scripts/components; without it the test is skipped, unless components are required.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]


def tools():
    """The folder of mypy's programs, or None with the reason."""
    script = str(ROOT / "scripts/components")
    subprocess.run([script, "mypy"], stdout=subprocess.DEVNULL, check=False)
    listed = subprocess.run([script, "--list"], capture_output=True, text=True, check=False).stdout
    for line in listed.splitlines():
        name, _, path = line.partition("\t")
        if name == "mypy":
            return pathlib.Path(path).parent, ""
        if line.startswith("# mypy"):
            return None, line[2:]
    return None, "mypy is not known to scripts/components"


def main():
    folder, why = tools()
    if not folder:
        print(f"skipped: {why}")
        sys.exit(1 if os.environ.get("HOMELAB_REQUIRE_COMPONENTS") == "1" else 77)
    # The installed package, as a user of it would have it.
    environment = {**os.environ, "MYPYPATH": os.environ["PYTHONPATH"]}
    config = str(ROOT / "pyproject.toml")
    with tempfile.TemporaryDirectory() as cache:
        options = ["--strict", "--config-file", config, "--cache-dir", cache]
        commands = [[folder / "mypy", *options, "-p", "homelab"],
                    *([folder / "mypy", *options, "--allow-untyped-defs", "--allow-untyped-calls", example]
                      for example in sorted((ROOT / "examples/python").glob("*.py")))]
        if subprocess.run([folder / "python", "-c", "import homelab"], env=environment, check=False, capture_output=True).returncode == 0:
            commands.append([folder / "stubtest", "homelab", "--mypy-config-file", config,
                             "--allowlist", str(ROOT / "tests/bindings/python/stubtest.txt"), "--ignore-unused-allowlist"])
        else:
            print("stubtest is left out: the module was not built for mypy's interpreter")
        failed = [command for command in commands if subprocess.run(command, env=environment, check=False).returncode]
    sys.exit(1 if failed else 0)


main()
