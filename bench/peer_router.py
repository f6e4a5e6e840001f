"""LiteLLM's Router picks one of N deployments: microseconds a pick, the least of the rounds. Arguments: DEPLOYMENTS ROUNDS."""

import os
import sys
import time

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
import litellm  # noqa: E402

PICKS = 200


def measure(pick, rounds):
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(PICKS):
            pick()
        best = min(best, (time.perf_counter() - began) / PICKS)
    return best * 1e6


def main():
    count, rounds = int(sys.argv[1]), int(sys.argv[2])
    deployments = [{"model_name": "m", "litellm_params": {"model": "openai/m", "api_base": f"http://h{i}:8080/v1", "api_key": "none"}}
                   for i in range(count)]
    for strategy in ("simple-shuffle", "least-busy", "latency-based-routing"):
        router = litellm.Router(model_list=deployments, routing_strategy=strategy)
        messages = [{"role": "user", "content": "hello"}]

        def pick(router=router, messages=messages):
            return router.get_available_deployment(model="m", messages=messages)

        pick()
        print(f"litellm-{strategy} experts={count} ns={measure(pick, rounds) * 1e3:.0f}")


if __name__ == "__main__":
    main()
