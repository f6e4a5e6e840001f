#!/usr/bin/env python3
"""Asks the right model in asyncio and prints its answer as it comes; the next candidate takes over if the first one fails before
it said anything.

usage: ask.py INVENTORY TEXT
"""

import asyncio
import sys

import homelab


async def ask(prober, text):
    router = homelab.Router(prober.inventory, await prober.check())
    answer = router.send(prober.context, text)
    async for piece in answer:
        print(piece, end="", flush=True)
    print()
    reply = answer.reply
    print(f"[{reply.model} on {reply.endpoint}, {reply.total_us / 1e6:.1f} s]", file=sys.stderr)


async def main():
    try:
        async with homelab.Prober(sys.argv[1]) as prober:
            await ask(prober, sys.argv[2])
    except (homelab.HomelabError, OSError) as error:
        sys.exit(str(error))


if len(sys.argv) != 3:
    sys.exit(__doc__.strip())
asyncio.run(main())
