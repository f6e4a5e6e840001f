#!/usr/bin/env python3
"""Prints which models go on which GPU, and why.

usage: plan.py INVENTORY [MODEL=FILE.gguf ...]
"""

import sys

import homelab


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__.strip())
    headers = dict(argument.split("=", 1) for argument in sys.argv[2:])
    try:
        plan = homelab.Planner(sys.argv[1], headers=headers).plan()
    except (homelab.HomelabError, OSError) as error:
        sys.exit(str(error))
    for model in plan.models:
        print(f"{model.name}: {model.why}")
        for part in model.parts:
            print(f"  {part.device:<12} {part.total_bytes / 2**30:6.1f} GiB")
        print(f"  llama-server {model.llama_server}")
    for model in plan.left_out:
        print(f"{model.name}: {model.why}")
    sys.exit(plan.status)


main()
