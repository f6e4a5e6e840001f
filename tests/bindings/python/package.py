"""The package as a user gets it: `pip install .` in a clean checkout, and a source distribution that is built without SWIG.

scikit-build-core comes from the package index; without it the test is skipped, unless components are required.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
TRY = """
import homelab, importlib.metadata, pathlib, sys
folder = pathlib.Path(homelab.__file__).parent
assert str(folder).startswith(sys.argv[1]), folder
assert importlib.metadata.version("libhomelab") == homelab.__version__ == sys.argv[2], homelab.__version__
assert (folder / "py.typed").exists() and (folder / "_native.pyi").exists()
snapshot = homelab.check({"endpoints": {"a/x": {"url": "http://127.0.0.1:1", "tier": "A"}}})
assert snapshot["a/x"].verdict is homelab.Verdict.DOWN, snapshot
"""


def run(*command, **more):
    done = subprocess.run([str(one) for one in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, **more)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: ends with {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


def checkout(folder):
    """The files of the tree that git knows, as they are now."""
    for name in run("git", "ls-files", "-z", cwd=ROOT).split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def without_swig(folder):
    """A folder for PATH that has every program of the machine's but SWIG."""
    folder.mkdir()
    for program in pathlib.Path("/usr/bin").iterdir():
        if not program.name.startswith("swig"):
            (folder / program.name).symlink_to(program)
    return str(folder)


def main():
    version = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        build, first, second = folder / "build", folder / "first", folder / "second"
        environment = {**os.environ, "CCACHE_BASEDIR": name, "CCACHE_NOHASHDIR": "1", "TMPDIR": name,
                       "SKBUILD_BUILD_DIR": str(folder / "objects"),
                       # Optimising takes most of the time and is not what is tested.
                       "SKBUILD_CMAKE_BUILD_TYPE": "Debug"}
        if shutil.which("ccache"):
            environment["CMAKE_C_COMPILER_LAUNCHER"] = "ccache"
        environment.pop("PYTHONPATH", None)
        for venv in (build, first, second):
            run(sys.executable, "-m", "venv", venv)
        got = subprocess.run([build / "bin/pip", "install", "-q", "scikit-build-core>=0.10", "build"], capture_output=True, text=True,
                             check=False)
        if got.returncode:
            print(f"skipped: scikit-build-core cannot be had: {got.stderr.strip().splitlines()[-1:]}")
            sys.exit(1 if os.environ.get("HOMELAB_REQUIRE_COMPONENTS") == "1" else 77)

        tree = folder / "tree"
        checkout(tree)
        run(build / "bin/pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "-w", folder / "w1", ".", cwd=tree, env=environment)
        run(first / "bin/pip", "install", "-q", "--no-index", *(folder / "w1").iterdir())
        run(first / "bin/python", "-c", TRY, first, version, cwd=folder, env=environment)

        run(build / "bin/python", "-m", "build", "--sdist", "--no-isolation", "-o", folder / "sdist", ".", cwd=tree, env=environment)
        source, = (folder / "sdist").iterdir()
        with tarfile.open(source) as archive:
            assert any(one.endswith("/bindings/python/native_wrap.c") for one in archive.getnames())
        environment["PATH"] = without_swig(folder / "programs")
        environment["SKBUILD_BUILD_DIR"] = str(folder / "objects2")
        assert shutil.which("swig", path=environment["PATH"]) is None
        run(build / "bin/pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "-w", folder / "w2", source, env=environment)
        run(second / "bin/pip", "install", "-q", "--no-index", *(folder / "w2").iterdir())
        run(second / "bin/python", "-c", TRY, second, version, cwd=folder, env=environment)
    print("a wheel from a checkout, and one from the source distribution without SWIG, both work")


main()
