"""curl --parallel over all endpoints. Each sweep is a process of its own and connects anew: the tool keeps nothing."""

import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

PORT, COUNT, DEAD, TIMEOUT_MS, SWEEPS = map(int, sys.argv[1:6])


def children_us():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) * 1e6


def main():
    live = sum(i * DEAD // 100 == (i + 1) * DEAD // 100 for i in range(COUNT))
    walls, cpus, missed = [], [], 0
    with tempfile.NamedTemporaryFile("w", suffix=".curl") as config:
        for i in range(COUNT):
            address = f"127.{1 + i // 62500}.{i // 250 % 250}.{i % 250 + 1}"
            config.write(f'url = "http://{address}:{PORT}/v1/models"\noutput = "{os.devnull}"\n')
        config.flush()
        command = ["curl", "-q", "-s", "--parallel", "--parallel-immediate", "--parallel-max", "300", "--noproxy", "*",
                   "--max-time", str(TIMEOUT_MS / 1000), "-w", "%{http_code}\\n", "-K", config.name]
        for _ in range(min(SWEEPS, 4)):
            start, start_cpu = time.monotonic(), children_us()
            output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                    check=False).stdout
            walls.append((time.monotonic() - start) * 1e3)
            cpus.append((children_us() - start_cpu) / COUNT)
            missed += live - len(re.findall(r"^200$", output, re.M))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"curl-parallel cold_ms={walls[0]:.1f} cold_cpu_us={cpus[0]:.1f} warm_ms={statistics.median(walls[1:] or walls):.1f} "
          f"warm_cpu_us={statistics.median(cpus[1:] or cpus):.1f} missed={missed} peak_mib={peak:.1f}")


main()
