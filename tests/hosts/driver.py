"""CPython's drivers: python driver.py wait|asyncio|thread INVENTORY [KEY=VALUE...]"""

import asyncio
import select
import sys

import homelab


def tell(event):
    """Prints an event; true for the last one of the script."""
    print("event", int(event.type), int(event.before), int(event.after), int(event.cause), event.subject, flush=True)
    return (event.type, event.subject, event.after) == (homelab.EventType.ENDPOINT, "end/marker", homelab.Verdict.DOWN)


def options(settings):
    pairs = (setting.partition("=") for setting in settings)
    return {key.replace(".", "_"): float(value) if "." in value else int(value) for key, _, value in pairs}


def wait(prober):
    prober.start()
    for event in prober.events():
        if tell(event):
            return


async def watch(prober):
    async with prober:
        prober.start()
        async for event in prober.events():
            if tell(event):
                return


def thread(prober):
    """The library works by itself: the host only takes events, when the descriptor says so."""
    context = prober.context
    context.start_thread()
    prober.start()
    poll = select.poll()
    poll.register(context, select.POLLIN)
    while True:
        poll.poll()
        while event := context.next_event():
            if tell(event):
                return


def main():
    mode, inventory, *settings = sys.argv[1:]
    prober = homelab.Prober(inventory, **options(settings))
    if mode == "asyncio":
        asyncio.run(watch(prober))
        return
    with prober:
        {"wait": wait, "thread": thread}[mode](prober)


main()
