#!/usr/bin/env python3
"""Looks at a cluster once and prints what was found.

usage: status.py INVENTORY
"""

import sys

import homelab


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    try:
        inventory = homelab.Inventory.load(sys.argv[1])
    except homelab.ParseError as error:
        sys.exit("\n".join(map(str, error.problems)))
    except OSError as error:
        sys.exit(str(error))
    with homelab.Prober(inventory) as prober:
        snapshot = prober.check_now(timeout=60)
    for tier in snapshot.tiers:
        print(f"{tier.name:<8} {tier.verdict.name}")
        for endpoint in snapshot:
            if endpoint.tier == tier.name:
                print(f"  {endpoint.id:<18} {endpoint.verdict.name:<13} {endpoint.text}")
                for model in endpoint.models:
                    print(f"    {model.name}{' (loaded)' if model.loaded else ''}")
    for capability in snapshot.capabilities.values():
        if capability.lost:
            print(f"nobody serves {capability.name}")
    print(f"{snapshot.verdict.name}: {snapshot.text}")


main()
