#!/usr/bin/env python3
"""Prints which models go on which GPU, and why.

usage: plan.py INVENTORY [MODEL=FILE.gguf ...]
"""

import json
import sys

from homelab import _native


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__.strip())
    planner = _native.Planner(_native.Inventory.load_file(sys.argv[1]))
    for argument in sys.argv[2:]:
        model, _, file = argument.partition("=")
        planner.set_header(model, _native.Gguf.load_file(file))
    plan = json.loads(planner.plan().json())
    for model in plan["models"]:
        print(f"{model['name']}: {model['why']}")
    for model in plan["left_out"]:
        print(f"{model['name']}: {model['why']}")


main()
