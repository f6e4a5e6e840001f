#!/usr/bin/env python3
"""Says for each line of input which model on which endpoint would answer it, what comes next, and why not the others.

usage: route.py INVENTORY
"""

import sys

import homelab


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    try:
        inventory = homelab.Inventory.load(sys.argv[1])
    except (homelab.HomelabError, OSError) as error:
        sys.exit(str(error))
    router = homelab.Router(inventory, homelab.check(inventory))
    for line in sys.stdin:
        try:
            decision = router.decide(line)
        except homelab.NoRouteError as error:
            print(error)
            continue
        print(f"{decision.task.name.lower()}, by {decision.task_source}")
        for candidate in decision:
            print(f"  {100 * candidate.weight:3.0f} %  {candidate.model} at {candidate.url}")
        for rejected in decision.rejected:
            print(f"   -    {rejected.model} at {rejected.endpoint}: {rejected.why.name.lower()}")


main()
