"""host.py HOST SCRIPT…: runs Lua scripts in a host (a Lua interpreter or Neovim), against a simulated cluster.

The scripts find the inventory of the cluster in HOMELAB_INVENTORY, and what the headers say about each function in
HOMELAB_SIGNATURES. LUA_PATH and LUA_CPATH come from the caller. With
HOMELAB_PRELOAD the host runs with that library (an address sanitizer's) loaded first.
"""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../sim"))

from simulator import Simulator  # noqa: E402

SKIPPED = 77
MODEL = {"name": "m", "capabilities": ["completion"], "loaded": True}
SCENARIO = {"endpoints": {
    "local/ollama": {"tier": "local", "backend": "ollama", "models": [dict(MODEL)]},
    "remote/llama": {"tier": "remote", "backend": "llamacpp", "models": [dict(MODEL)], "api_key": "kept-secret",
                     "api_key_env": "LUA_TEST_KEY"}}}
# Ends Neovim with the outcome of the script; it has no such option itself.
NVIM = """local ok, message = xpcall(dofile, debug.traceback, %r)
if not ok then io.stderr:write(message, "\\n") vim.cmd("cquit 1") end"""


def command(host, script):
    if os.path.basename(host).startswith("nvim"):
        return [host, "--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", "lua " + NVIM.replace("\n", " ") % script, "-c", "qa!"]
    return [host, script]


def main():
    host, scripts = sys.argv[1], sys.argv[2:]
    failed = skipped = 0
    with Simulator(SCENARIO) as simulator, tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "HOMELAB_INVENTORY": simulator.inventory_file, "HOME": home, "HOMELAB_HOST": host,
                       "XDG_CONFIG_HOME": home, "HOMELAB_CONTROL": simulator.control_url}
        signatures = os.path.join(home, "signatures.lua")
        subprocess.run([sys.executable, os.path.join(HERE, "signatures.py"), signatures], check=True)
        environment["HOMELAB_SIGNATURES"] = signatures
        if os.environ.get("HOMELAB_PRELOAD"):
            environment["LD_PRELOAD"] = os.environ["HOMELAB_PRELOAD"]
            # Neovim ends without freeing what its interpreter holds.
            leaks = 0 if os.path.basename(host).startswith("nvim") else 1
            # GCC 12's leak sanitizer guesses where glibc keeps a module's thread-local storage, and may crash of it. What the
            # library has there points to no memory.
            environment["ASAN_OPTIONS"] = f"detect_leaks={leaks}:abort_on_error=0:intercept_tls_get_addr=0"
        for script in scripts:
            done = subprocess.run(command(host, script), env=environment, stdin=subprocess.DEVNULL, text=True,
                                  capture_output=True, timeout=240, check=False)
            said = (done.stdout + done.stderr).strip()
            failed += done.returncode not in (0, SKIPPED)
            skipped += done.returncode == SKIPPED
            print(f"{os.path.basename(script)}: {'ok' if done.returncode == 0 else f'ended with {done.returncode}'}")
            if said:
                print(said)
    sys.exit(1 if failed else SKIPPED if skipped else 0)


main()
