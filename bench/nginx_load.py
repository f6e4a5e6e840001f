"""What a monitor in an nginx worker costs its requests: wrk's latencies with and without it, by turns, and how long each
function of the library held the worker at most.

    nginx_load.py ROUNDS SECONDS

`held` is the clock's time but for calls in which the kernel gave the processor to other programs: of those it is CPU time. The server is that of tests/hosts: one worker, 12 endpoints that are probed ten times a second each."""

import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "hosts"))
import nginx  # noqa: E402
import test_nginx as lab  # noqa: E402


def measure(server, seconds, monitored):
    server.get("/stop")
    if monitored:
        server.get("/start")
        lab.all_known(server)
    server.get("/reset")
    return nginx.load(server.port, "/", seconds), lab.calls(server)


def main():
    rounds, seconds = int(sys.argv[1]), int(sys.argv[2])
    if lab.missing():
        sys.exit(f"skipped: nginx ({lab.missing()})")
    figures, longest = {False: [], True: []}, {}
    with lab.Simulator(lab.scenario()) as simulator, lab.start(simulator) as server:
        nginx.load(server.port, "/", 1)
        for _ in range(rounds):
            for monitored, runs in figures.items():
                load, calls = measure(server, seconds, monitored)
                runs.append(load)
                for name, call in calls.items():
                    longest.setdefault(name, []).append(call)
    print(f"{'':17}{'p50_us':>9}{'p99_us':>9}{'max_us':>9}{'requests/s':>12}{'errors':>8}   medians of {rounds} runs of {seconds} s")
    for monitored, runs in figures.items():
        middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        print(f"{'with monitor' if monitored else 'without monitor':17}{middle['p50_us']:9.0f}{middle['p99_us']:9.0f}"
              f"{middle['max_us']:9.0f}{middle['requests'] / seconds:12.0f}{sum(run['errors'] for run in runs):8}")
    print(f"\n{'':23}{'calls':>9}{'mean_us':>9}{'longest: held':>15}{'CPU':>7}{'clock':>7}{'preempted':>11}")
    for name, calls in sorted(longest.items()):
        count = sum(call["count"] for call in calls)
        print(f"{name:23}{count:9.0f}{sum(call['count'] * call['mean_us'] for call in calls) / count:9.1f}"
              f"{max(call['held_us'] for call in calls):15.0f}{max(call['cpu_us'] for call in calls):7.0f}"
              f"{max(call['wall_us'] for call in calls):7.0f}{sum(call['preempted'] for call in calls):11.0f}")


main()
