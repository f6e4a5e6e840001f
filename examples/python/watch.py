#!/usr/bin/env python3
"""Watches a cluster in asyncio, beside other work, and prints what changes until standard input ends.

usage: watch.py INVENTORY
"""

import asyncio
import sys

import homelab


async def print_events(prober):
    async for event in prober.events():
        if event.type == homelab.EventType.ENDPOINT:
            print(f"{event.time:%H:%M:%S} {event.subject}: {event.before.name} -> {event.after.name}, {event.text}", flush=True)
        elif event.type == homelab.EventType.PROGNOSIS:
            print(f"{event.time:%H:%M:%S} cluster: {event.text}", flush=True)


async def input_ends():
    """Whatever else the program does: here it waits for its input to end."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


async def main():
    try:
        prober = homelab.Prober(sys.argv[1], health_interval_ms=5000)
    except (homelab.HomelabError, OSError) as error:
        sys.exit(str(error))
    async with prober:
        prober.start()
        watching = asyncio.create_task(print_events(prober))
        await input_ends()
    await watching


if len(sys.argv) != 2:
    sys.exit(__doc__.strip())
asyncio.run(main())
