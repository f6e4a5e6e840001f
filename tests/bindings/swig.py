"""SWIG wraps the public headers for Python and Lua without a warning, and leaves no function out."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/meta"))
import api  # noqa: E402


def main():
    if not shutil.which("swig"):
        print("skipped: swig is not installed")
        sys.exit(77)
    problems = []
    # What the interface turns into destructors, or does itself.
    hidden = {"homelab_free"} | {item.name for item in api.functions() if item.name.endswith(("_unref", "_free"))}
    with tempfile.TemporaryDirectory() as folder:
        for language in ("python", "lua"):
            wrapper = pathlib.Path(folder) / f"{language}.c"
            done = subprocess.run(["swig", "-Wall", f"-{language}", f"-I{ROOT / 'include'}", "-outdir", folder,
                                   "-o", str(wrapper), str(ROOT / "bindings/homelab.i")],
                                  capture_output=True, text=True)
            said = (done.stdout + done.stderr).strip()
            if done.returncode != 0 or said:
                problems.append(f"{language}: swig ends with {done.returncode} and says: {said}")
                continue
            text = wrapper.read_text(encoding="utf-8")
            problems += [f"{language}: {item} is not wrapped" for item in api.functions()
                         if item.name not in hidden and f'"{item.name}"' not in text]
    api.finish(problems)


main()
