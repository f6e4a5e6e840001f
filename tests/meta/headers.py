"""Every public header compiles alone, twice over, as pedantic C99 and as C++, with gcc and clang."""

import shutil
import subprocess
import sys

import api

STANDARDS = [("c", "c99"), ("c", "c11"), ("c++", "c++11"), ("c++", "c++17")]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-pedantic-errors", "-Wconversion", "-Wshadow", "-Werror"]


def main():
    problems = []
    compilers = [name for name in ("gcc", "clang") if shutil.which(name)]
    if not compilers:
        print("skipped: neither gcc nor clang is here")
        sys.exit(77)
    for header in api.headers():
        source = f"#include <homelab/{header.name}>\n" * 2 + "typedef int not_empty;\n"
        for compiler in compilers:
            for language, standard in STANDARDS:
                command = [compiler, "-x", language, f"-std={standard}", *WARNINGS, "-fsyntax-only",
                           f"-I{api.ROOT / 'include'}", "-"]
                if header.name == "testing.h":
                    command.insert(1, "-DHOMELAB_UNSTABLE")
                if language == "c":
                    command.insert(1, "-Wc++-compat")
                done = subprocess.run(command, input=source, capture_output=True, text=True)
                if done.returncode != 0:
                    problems.append(f"{header.name} as {standard} with {compiler}: {done.stderr.strip()}")
    fenced = subprocess.run([compilers[0], "-x", "c", "-fsyntax-only", f"-I{api.ROOT / 'include'}", "-"],
                            input="#include <homelab/testing.h>\n", capture_output=True, text=True)
    if fenced.returncode == 0:
        problems.append("testing.h: compiles without HOMELAB_UNSTABLE")
    api.finish(problems)


main()
