"""test_install.py BUILD_DIR: the installed tree, moved elsewhere, serves every host, with nothing but its paths."""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../hosts"))
import nginx  # noqa: E402

SCRIPT = """
local homelab = require("homelab")
assert(homelab.version() == homelab.VERSION)
local report = assert(homelab.report({ text = "tiers: {}", format = "yaml" }))
assert(homelab.context()):close()
require("homelab.uv")
assert(package.searchpath == nil or package.searchpath("homelab.ngx", package.path))
io.stdout:write("fine ", homelab.version())
"""


def environment(prefix, version):
    libraries = [os.path.join(root, "") for root, _, _ in os.walk(prefix) if root.endswith(f"lua/{version}") and "/lib" in root]
    share = os.path.join(prefix, "share/lua", version)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LUA_", "LD_"))}
    return {**kept, "LUA_PATH": f"{share}/?.lua;{share}/?/init.lua;;", "LUA_CPATH": ";".join(f"{one}?.so" for one in libraries) + ";;"}


def expect(what, done):
    said = done.stdout + done.stderr
    if done.returncode != 0 or "fine 0." not in said:
        sys.exit(f"{what}: ended with {done.returncode}: {said}")
    print(f"{what}: ok")


def main():
    with tempfile.TemporaryDirectory() as folder:
        prefix, script = os.path.join(folder, "moved"), os.path.join(folder, "script.lua")
        done = subprocess.run(["cmake", "--install", sys.argv[1], "--prefix", os.path.join(folder, "prefix")],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
        os.rename(os.path.join(folder, "prefix"), prefix)
        with open(script, "w", encoding="utf-8") as file:
            file.write(SCRIPT)
        for host, version, command in (("luajit", "5.1", [script]), ("lua5.1", "5.1", [script]), ("lua5.4", "5.4", [script]),
                                       ("nvim", "5.1", ["--headless", "-u", "NONE", "-i", "NONE", "-c", f"luafile {script}", "-c", "qa!"])):
            program = shutil.which(host)
            where = environment(prefix, version)
            if not program or where["LUA_CPATH"] == ";;":
                print(f"{host}: left out")
                continue
            # Without luv the adapter cannot be tried; its file is there anyway.
            text = SCRIPT if host == "nvim" else SCRIPT.replace('require("homelab.uv")\n', "")
            with open(script, "w", encoding="utf-8") as file:
                file.write(text)
            expect(host, subprocess.run([program, *command], env=where, capture_output=True, text=True, check=False))
        if os.environ.get("HOMELAB_NGINX") and nginx.modules() and os.path.isdir(os.path.join(prefix, "share/lua/5.1")):
            where = environment(prefix, "5.1")
            os.environ["HOMELAB_LUA_PATH"], os.environ["HOMELAB_LUA51_CPATH"] = where["LUA_PATH"], where["LUA_CPATH"].rstrip(";")
            page = 'location = /v { content_by_lua_block { ngx.print("fine ", require("homelab").version()) } }'
            with nginx.Nginx("", page) as server:
                code, text = server.get("/v")
                if code != 200 or not text.startswith("fine 0."):
                    sys.exit(f"nginx: {code} {text} {server.log()}")
                print("nginx: ok")
                server.quit()


main()
