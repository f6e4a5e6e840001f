"""The programs that embed the library, as the tests start them."""

import contextlib
import os

import script

HERE = os.path.dirname(os.path.abspath(__file__))


class Host:
    """`needs` names environment variables with what the build found or made; without them the host is left out."""

    def __init__(self, name, needs, command):
        self.name, self.needs, self.command = name, needs, command

    def missing(self):
        absent = [name for name in self.needs if not os.environ.get(name)]
        return f"{', '.join(absent)} is not set: not installed, or not built" if absent else None

    @contextlib.contextmanager
    def prepare(self, simulator):
        options = [f"{key}={value}" for key, value in script.OPTIONS.items()]
        yield [*self.command(), simulator.inventory_file, *options], dict(os.environ)


def c(mode):
    return Host(f"c_{mode}", ["HOMELAB_DRIVER"], lambda: [os.environ["HOMELAB_DRIVER"], mode])


ALL = [c("wait"), c("poll"), c("thread")]
