"""Prints the CPythons of 3.10 to 3.13 that are here with their headers: VERSION|PROGRAM|INCLUDE|SUFFIX, one a line.

Looked for in PATH, in /usr/bin and among pyenv's versions; of each version the first one found counts.
"""

import glob
import os
import shutil
import subprocess

VERSIONS = ("3.10", "3.11", "3.12", "3.13")
ASK = """import os, platform, sys, sysconfig
include = sysconfig.get_path("include")
if platform.python_implementation() == "CPython" and os.path.exists(os.path.join(include, "Python.h")):
    print("%d.%d" % sys.version_info[:2], os.path.realpath(sys.executable), include, sysconfig.get_config_var("EXT_SUFFIX"), sep="|")
"""


def candidates(version):
    """Debian's first: its development files are the ones that everything else here uses."""
    yield f"/usr/bin/python{version}"
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    for folder in (root, "/opt/pyenv", "/root/.pyenv"):
        yield from sorted(glob.glob(f"{folder}/versions/{version}.*/bin/python{version}"), reverse=True)
    yield shutil.which(f"python{version}") or ""


def main():
    for version in VERSIONS:
        for program in candidates(version):
            if not os.access(program, os.X_OK):
                continue
            done = subprocess.run([program, "-c", ASK], capture_output=True, text=True, check=False)
            if done.returncode == 0 and done.stdout.startswith(version + "|"):
                print(done.stdout.strip())
                break


main()
