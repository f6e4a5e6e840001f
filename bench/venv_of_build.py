"""Peers in Python, in one virtual environment of the build folder."""

import subprocess
import sys


def python_with(folder, package, module=None):
    """The environment's interpreter, with the package installed, or None where it cannot be."""
    python = folder / "bench" / "venv" / "bin" / "python"

    def has_it():
        return subprocess.run([python, "-c", f"import {module or package}"], stderr=subprocess.DEVNULL, check=False).returncode == 0

    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", python.parent.parent], check=False)
    if python.exists() and not has_it():
        subprocess.run([python, "-m", "pip", "install", "-q", package], check=False)
    return python if python.exists() and has_it() else None
