"""SWIG wraps the public headers for Python and Lua without a warning, and leaves no function out."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/meta"), str(ROOT / "scripts")]
import api  # noqa: E402
import wrap  # noqa: E402


def main():
    if not shutil.which("swig"):
        print("skipped: swig is not installed")
        sys.exit(77)
    problems = []
    skips = wrap.Skips()
    wanted = {language: [one for one in wrap.Api().functions if not skips.find(one.symbol, language)]
              for language in ("python", "lua")}
    with tempfile.TemporaryDirectory() as folder:
        for language, options in (("python", ["-w321", "-builtin"]), ("lua", [])):
            wrapper = pathlib.Path(folder) / f"{language}.c"
            done = subprocess.run(["swig", "-Wextra", *options, f"-{language}", f"-I{ROOT / 'include'}", f"-I{ROOT / 'bindings'}",
                                   "-outdir", folder, "-o", str(wrapper), str(ROOT / "bindings/homelab.i")],
                                  capture_output=True, text=True)
            said = (done.stdout + done.stderr).strip()
            if done.returncode != 0 or said:
                problems.append(f"{language}: swig ends with {done.returncode} and says: {said}")
                continue
            text = wrapper.read_text(encoding="utf-8")
            problems += [f"{language}: {one.symbol} is not wrapped" for one in wanted[language]
                         if f"{one.symbol}(" not in text]
    api.finish(problems)


main()
