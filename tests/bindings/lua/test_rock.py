"""luarocks make in a clean checkout gives a module that works by itself, for both ABIs."""

import glob
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
HEADERS = {"5.1": ["/usr/include/lua5.1", "/usr/include/luajit-2.1"], "5.4": ["/usr/include/lua5.4"]}
HOSTS = {"5.1": ["luajit", "lua5.1"], "5.4": ["lua5.4"]}


def checkout(folder):
    done = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True,
                          text=True, check=False)
    if done.returncode:
        print("skipped: this is no checkout")
        sys.exit(77)
    for name in done.stdout.splitlines():
        if (ROOT / name).is_file() and not name.startswith(("tests/data", "tests/fuzz", "abi/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def main():
    if not shutil.which("luarocks"):
        print("skipped: luarocks is not installed")
        sys.exit(77)
    version = re.search(r'#define HOMELAB_VERSION +"(.*)"', (ROOT / "include/homelab/version.h").read_text(encoding="utf-8"))[1]
    rocks = glob.glob(str(ROOT / "*.rockspec"))
    if [os.path.basename(rock) for rock in rocks] != [f"homelab-{version}-1.rockspec"]:
        sys.exit(f"found {rocks}, expected homelab-{version}-1.rockspec")
    with tempfile.TemporaryDirectory() as temporary:
        folder, tree = pathlib.Path(temporary) / "checkout", pathlib.Path(temporary) / "tree"
        folder.mkdir()
        checkout(folder)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("LUA_", "LD_"))}
        for lua, folders in HEADERS.items():
            headers = next((one for one in folders if os.path.isfile(os.path.join(one, "lua.h"))), None)
            hosts = [host for host in HOSTS[lua] if shutil.which(host)]
            if not headers or not hosts:
                print(f"{lua}: left out")
                continue
            done = subprocess.run(["luarocks", f"--lua-version={lua}", f"--tree={tree}", "make", os.path.basename(rocks[0]),
                                   f"LUA_INCDIR={headers}"], cwd=folder, env={**kept, "CMAKE_BUILD_PARALLEL_LEVEL": "2"},
                                  capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"luarocks ended with {done.returncode}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
            where = {**kept, "LUA_PATH": f"{tree}/share/lua/{lua}/?.lua;{tree}/share/lua/{lua}/?/init.lua",
                     "LUA_CPATH": f"{tree}/lib/lua/{lua}/?.so"}
            for host in hosts:
                found = subprocess.run([host, "-e", 'io.write(require("homelab").version())'], env=where, capture_output=True,
                                       text=True, check=False)
                if found.stdout != version:
                    sys.exit(f"{host}: found {found.stdout + found.stderr}, expected {version}")
                print(f"{lua} in {host}: ok")


main()
