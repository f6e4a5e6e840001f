"""The same sweep with aiohttp: keep-alive, those known to be dead first, every body decoded and checked."""

import asyncio
import resource
import statistics
import sys
import time

import aiohttp

PORT, COUNT, DEAD, TIMEOUT_MS, SWEEPS = map(int, sys.argv[1:6])


def url(i):
    return f"http://127.{1 + i // 62500}.{i // 250 % 250}.{i % 250 + 1}:{PORT}/v1/models"


def cpu_us():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1e6


async def ask(session, window, i):
    async with window:
        try:
            async with session.get(url(i)) as response:
                body = await response.json()
                return response.status == 200 and any(m["id"] == "qwen3-coder-30b-a3b" for m in body["data"])
        except (aiohttp.ClientError, asyncio.TimeoutError, ValueError, KeyError):
            return False


async def main():
    live = sum(i * DEAD // 100 == (i + 1) * DEAD // 100 for i in range(COUNT))
    failed = [False] * COUNT
    walls, cpus, missed = [], [], 0
    window = asyncio.Semaphore(COUNT)
    connector = aiohttp.TCPConnector(limit=0, limit_per_host=1, keepalive_timeout=60)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_MS / 1000)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session:
        for _ in range(SWEEPS):
            start, start_cpu = time.monotonic(), cpu_us()
            order = sorted(range(COUNT), key=lambda i: not failed[i])
            answers = await asyncio.gather(*(ask(session, window, i) for i in order))
            for i, ok in zip(order, answers):
                failed[i] = not ok
            walls.append((time.monotonic() - start) * 1e3)
            cpus.append((cpu_us() - start_cpu) / COUNT)
            missed += live - sum(answers)
            await asyncio.sleep(0.1)
    warm = walls[1:] or walls
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"aiohttp cold_ms={walls[0]:.1f} cold_cpu_us={cpus[0]:.1f} warm_ms={statistics.median(warm):.1f} "
          f"warm_cpu_us={statistics.median(cpus[1:] or cpus):.1f} missed={missed} peak_mib={peak:.1f}")


asyncio.run(main())
