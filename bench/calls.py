"""The calls of calls.c from Python: of the C module, and of the package on top of it.

    calls.py INVENTORY ROUNDS
"""

import sys
import timeit

import homelab

CALLS = 100000


def least_ns(statement, rounds, **names):
    """The least of all rounds, without what the loop itself takes."""
    empty = min(timeit.repeat("pass", repeat=rounds, number=CALLS))
    return (min(timeit.repeat(statement, repeat=rounds, number=CALLS, globals=names)) - empty) / CALLS * 1e9


def main():
    inventory, rounds = sys.argv[1], int(sys.argv[2])
    with homelab.Prober(inventory) as prober:
        snapshot, context = prober.snapshot(), prober.context
        for name, on, loop, identifier in (("Python-module", snapshot._handle, context._handle, "on.endpoint_id(0)"),
                                           ("Python-package", snapshot, context, "on.endpoints[0].id")):
            verdict = "on.verdict()" if name == "Python-module" else "on.verdict"
            print(f"{name} verdict={least_ns(verdict, rounds, on=on):.1f} "
                  f"endpoint_id={least_ns(identifier, rounds, on=on):.1f} "
                  f"dispatch={least_ns('loop.dispatch()', rounds, loop=loop):.1f}")


main()
