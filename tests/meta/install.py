"""install.py BUILD_DIR: the installed tree, moved elsewhere, serves programs by pkg-config and CMake, shared and static."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import api

BUILD = pathlib.Path(sys.argv[1])
# The sanitizers and instrumentations of the libraries are needed by their programs too.
FLAGS = sys.argv[2:]

CONSUMER = """cmake_minimum_required(VERSION 3.25)
project(consumer C)
find_package(homelab 0.1 REQUIRED COMPONENTS shared static)
add_executable(shared consumer.c)
target_link_libraries(shared PRIVATE homelab::homelab)
add_executable(static consumer.c)
target_link_libraries(static PRIVATE homelab::homelab_static)
"""
MISSING = """cmake_minimum_required(VERSION 3.25)
project(missing C)
find_package(homelab REQUIRED COMPONENTS nonsense)
"""
SUBPROJECT = """cmake_minimum_required(VERSION 3.25)
project(parent C)
enable_testing()
add_subdirectory({root} homelab)
add_executable(shared consumer.c)
target_link_libraries(shared PRIVATE homelab::homelab)
add_executable(static consumer.c)
target_link_libraries(static PRIVATE homelab::homelab_static)
"""


def run(*command, env=None, cwd=None, check=True):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=cwd,
                          env={**os.environ, **(env or {})})
    if check and done.returncode != 0:
        print(f"failed: {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
        sys.exit(1)
    return done


def expect(what, found, expected):
    if found != expected:
        print(f"{what}: found {found!r}, expected {expected!r}")
        sys.exit(1)
    print(f"{what}: ok")


def pkg_config(lib, *arguments):
    return run("pkg-config", *arguments, env={"PKG_CONFIG_PATH": str(lib / "pkgconfig")}).stdout.split()


def by_pkg_config(work, lib, version):
    source = work / "consumer.c"
    run("cc", "-std=c99", "-Werror", source, *FLAGS, "-o", work / "shared", *pkg_config(lib, "--cflags", "--libs", "homelab"))
    found = run(work / "shared", env={"LD_LIBRARY_PATH": str(lib)}).stdout.strip()
    expect("pkg-config homelab", found, version)
    needed = run("readelf", "-d", work / "shared").stdout
    expect("needs libhomelab.so.0", "[libhomelab.so.0]" in needed, True)
    expect("does not link the dependencies", "libcurl" in needed, False)

    run("cc", "-std=c99", source, *FLAGS, "-o", work / "half", *pkg_config(lib, "--cflags", "--libs", "homelab-static"))
    expect("pkg-config homelab-static", run(work / "half").stdout.strip(), version)
    expect("carries libhomelab", "libhomelab" in run("readelf", "-d", work / "half").stdout, False)


def by_pkg_config_static(work, lib, version):
    """With the shared library out of the way -lhomelab is the archive, and --static must name all it needs."""
    flags = pkg_config(lib, "--static", "--cflags", "--libs", "homelab")
    for name in ("-lhomelab", "-lcurl", "-lcjson", "-lyaml", "-lyajl", "-pthread"):
        expect(f"pkg-config --static has {name}", name in flags, True)
    shelf = work / "only-static"
    shelf.mkdir()
    shutil.copy(lib / "libhomelab.a", shelf)
    flags = [f"-L{shelf}" if flag == f"-L{lib}" or flag.endswith("pkgconfig/../../lib") else flag for flag in flags]
    done = run("cc", "-std=c99", work / "consumer.c", *FLAGS, "-o", work / "static", f"-L{shelf}", *flags, check=False)
    missing = sorted(set(re.findall(r"cannot find (-l\w+)", done.stderr)))
    if missing:
        print(f"pkg-config --static: link not tried, libcurl's own private libraries are not installed: {' '.join(missing)}")
        return
    expect("pkg-config --static links", done.returncode, 0)
    expect("pkg-config --static", run(work / "static").stdout.strip(), version)


def by_cmake(work, prefix, version):
    folder = work / "cmake"
    folder.mkdir()
    shutil.copy(work / "consumer.c", folder)
    (folder / "CMakeLists.txt").write_text(CONSUMER, encoding="utf-8")
    flags = [f"-DCMAKE_C_FLAGS={' '.join(FLAGS)}"]
    run("cmake", "-G", "Ninja", "-S", folder, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={prefix}", *flags)
    run("cmake", "--build", folder / "build")
    for name in ("shared", "static"):
        expect(f"find_package {name}", run(folder / "build" / name).stdout.strip(), version)
    (folder / "CMakeLists.txt").write_text(MISSING, encoding="utf-8")
    done = run("cmake", "-G", "Ninja", "-S", folder, "-B", folder / "missing", f"-DCMAKE_PREFIX_PATH={prefix}", check=False)
    expect("an unknown component is refused", done.returncode != 0, True)


def as_subproject(work):
    folder = work / "parent"
    folder.mkdir()
    shutil.copy(work / "consumer.c", folder)
    (folder / "CMakeLists.txt").write_text(SUBPROJECT.format(root=api.ROOT), encoding="utf-8")
    run("cmake", "-G", "Ninja", "-S", folder, "-B", folder / "build")
    targets = run("ninja", "-C", folder / "build", "-t", "targets", "all").stdout
    built = re.findall(r"^(?:homelab/)?\S*?([\w.-]+): C_(?:EXECUTABLE|SHARED_LIBRARY|STATIC_LIBRARY)_LINKER", targets, re.M)
    expect("add_subdirectory builds the libraries only", sorted(built),
           sorted(["shared", "static", "libhomelab.a", next(n for n in built if n.startswith("libhomelab.so"))]))
    expect("add_subdirectory adds no test", "Total Tests: 0" in run("ctest", "-N", cwd=folder / "build").stdout, True)
    done = run("cmake", "--install", folder / "build", "--prefix", work / "nothing", check=False)
    expect("add_subdirectory installs nothing", (work / "nothing").exists(), False)
    expect("add_subdirectory, install", done.returncode, 0)


def main():
    version = re.search(r'define HOMELAB_VERSION +"(.*)"', (api.ROOT / "include/homelab/version.h").read_text())[1]
    with tempfile.TemporaryDirectory(prefix="homelab-install-") as name:
        work = pathlib.Path(name)
        run("cmake", "--install", BUILD, "--prefix", work / "first")
        prefix = work / "moved"
        (work / "first").rename(prefix)
        lib = next(prefix.rglob("libhomelab.a")).parent
        for path in [*lib.rglob("*.pc"), *lib.rglob("*.cmake")]:
            expect(f"{path.name} names no folder of the build", str(work) in path.read_text() or str(BUILD) in path.read_text(),
                   False)
        (work / "consumer.c").write_text(api.all_symbols_program(), encoding="utf-8")
        by_pkg_config(work, lib, version)
        by_pkg_config_static(work, lib, version)
        by_cmake(work, prefix, version)
        as_subproject(work)


main()
