"""The programs that embed the library, as the tests start them."""

import contextlib
import os
import signal
import tempfile

import nginx
import script

HERE = os.path.dirname(os.path.abspath(__file__))
# Where the test run says that nothing may be left out, and this build makes the modules.
REQUIRED = os.environ.get("HOMELAB_REQUIRE_COMPONENTS") == "1" and os.environ.get("HOMELAB_MODULES") == "1"
OPTIONS = [f"{key}={value}" for key, value in script.OPTIONS.items()]


class Host:
    """`needs` names environment variables with what the build found or made; without them the host is left out. The command
    is followed by inventory and options, as arguments or, where a host has no arguments, in the environment."""

    end_signal = None  # what a host that serves on is told at the end of the script

    def __init__(self, name, needs, command, environment=None):
        self.name, self.needs, self.command, self.environment = name, needs, command, environment or (lambda: {})

    def missing(self):
        absent = [name for name in self.needs if not os.environ.get(name)]
        return f"{', '.join(absent)} is not set: not installed, or not built" if absent else None

    @contextlib.contextmanager
    def prepare(self, simulator):
        yield [*self.command(), simulator.inventory_file, *OPTIONS], {**os.environ, **self.environment()}


class Environment(Host):
    @contextlib.contextmanager
    def prepare(self, simulator):
        yield self.command(), {**os.environ, **self.environment(), **settings(simulator)}


class Nginx(Host):
    end_signal = signal.SIGQUIT

    def missing(self):
        return super().missing() or (None if nginx.modules() else "this nginx has no Lua module")

    @contextlib.contextmanager
    def prepare(self, simulator):
        with tempfile.TemporaryDirectory(prefix="homelab-nginx-") as folder:
            script_file = os.path.join(HERE, "driver_nginx.lua")
            command, _ = nginx.configure(
                folder, f"lua_shared_dict homelab 1m; init_worker_by_lua_file {script_file};", "location / {}",
                settings(simulator))
            yield command, {**os.environ, **settings(simulator)}


def settings(simulator):
    return {"HOMELAB_INVENTORY": simulator.inventory_file, "HOMELAB_OPTIONS": " ".join(OPTIONS), "HOMELAB_HOSTS": HERE}


def lua_environment(version):
    return {"LUA_PATH": os.environ["HOMELAB_LUA_PATH"] + ";;", "LUA_CPATH": os.environ[f"HOMELAB_LUA{version}_CPATH"] + ";;"}


def c(mode):
    return Host(f"c_{mode}", ["HOMELAB_DRIVER"], lambda: [os.environ["HOMELAB_DRIVER"], mode])


def python(mode):
    return Host(f"python_{mode}", ["HOMELAB_PYTHON", "HOMELAB_PYTHONPATH"],
                lambda: [os.environ["HOMELAB_PYTHON"], os.path.join(HERE, "driver.py"), mode],
                lambda: {"PYTHONPATH": os.environ["HOMELAB_PYTHONPATH"]})


def lua(name, program, version):
    return Host(name, [program, "HOMELAB_LUA_PATH", f"HOMELAB_LUA{version}_CPATH"],
                lambda: [os.environ[program], os.path.join(HERE, "driver.lua")], lambda: lua_environment(version))


NVIM = Environment(
    "nvim", ["HOMELAB_NVIM", "HOMELAB_LUA_PATH", "HOMELAB_LUA51_CPATH"],
    lambda: [os.environ["HOMELAB_NVIM"], "--headless", "-u", "NONE", "-i", "NONE", "-c",
             "luafile " + os.path.join(HERE, "driver_nvim.lua")], lambda: lua_environment("51"))

ALL = [c("wait"), c("poll"), c("thread"), python("wait"), python("asyncio"), python("thread"),
       lua("luajit", "HOMELAB_LUAJIT", "51"), lua("lua54", "HOMELAB_LUA5_4", "54"),
       NVIM, Nginx("nginx", ["HOMELAB_NGINX", "HOMELAB_LUA_PATH", "HOMELAB_LUA51_CPATH"], None)]
