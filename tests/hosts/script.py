"""The script that every host is shown: a small cluster, and what happens to it, one thing after the other.

Each step sets the faults of one endpoint and names the events that follow, so that the sequence of events about any one
subject (endpoint, tier, capability, the cluster) depends on no timing. The next step comes when all of them were seen."""

ENDPOINT, TIER, PROGNOSIS, CAPABILITY = 20, 21, 22, 23
VERDICTS = {"UNKNOWN": 0, "HEALTHY": 1, "DEGRADED": 2, "LOADING": 3, "BUSY": 4, "MISCONFIGURED": 5, "WEDGED": 6,
            "DOWN": 7}
CAUSES = {"": 0, "sleeping": 1, "model-missing": 11, "cpu-fallback": 12, "backend-dead": 13, "loading": 20, "busy": 30,
          "timeout-after-accept": 31, "auth": 40, "wrong-body": 42, "redirect": 44, "stalled": 50, "refused": 60,
          "server-error": 66}

# Fast looks; nothing is slow on a busy machine; an outage of any length is one.
OPTIONS = {"health.interval_ms": 200, "health.fast_interval_ms": 100, "health.down_interval_ms": 100,
           "health.patience_ms": 1500, "health.slow_ms": 60000, "health.jitter": 0.5}


def patient(endpoint, seconds=20):
    endpoint["inventory"] = {"timeout": seconds}
    return endpoint


SCENARIO = {
    "nodes": {"gpu0": {"host": "127.0.0.1", "gpus": [{"name": "RTX 4090", "memory_gib": 24}]}},
    "inventory": {"models": {"llava:7b": {"roles": ["vision"]}, "gpt-oss-20b": {"roles": ["reason"]}}},
    "endpoints": {
        "local/ollama": patient({
            "tier": "local", "backend": "ollama", "node": "gpu0",
            "models": [{"name": "qwen2.5-coder:7b", "loaded": True, "required": True},
                       {"name": "llava:7b", "loaded": True, "capabilities": ["completion", "vision"]}]}),
        "local/llamacpp": patient({
            "tier": "local", "backend": "llamacpp", "node": "gpu0", "models": [{"name": "gpt-oss-20b"}]}),
        "remote/vllm": patient({"tier": "remote", "backend": "vllm", "models": [{"name": "qwen3-30b"}]}, 3),
        "gateway/litellm": patient({
            "tier": "gateway", "backend": "litellm",
            "deployments": [{"name": "coder", "model": "ollama/qwen2.5-coder:7b", "endpoint": "local/ollama"},
                            {"name": "big", "model": "openai/qwen3-30b", "endpoint": "remote/vllm"}]}),
        "nas/web": patient({"tier": "nas", "backend": "http"}),
        "end/marker": patient({"tier": "end", "backend": "tcp"}),
    },
}


def endpoint(identifier, before, after, cause=""):
    return (ENDPOINT, identifier, VERDICTS[before], VERDICTS[after], CAUSES[cause])


def tier(name, before, after):
    return (TIER, name, VERDICTS[before], VERDICTS[after], 0)


def prognosis(before, after):
    return (PROGNOSIS, "", VERDICTS[before], VERDICTS[after], 0)


def lost(name):
    return (CAPABILITY, name, 1, 0, 0)


def served(name):
    return (CAPABILITY, name, 0, 1, 0)


class Step:
    def __init__(self, subject, faults, *events):
        self.subject, self.faults, self.events = subject, faults, events


def there(identifier, fault, verdict, cause, *cluster):
    return Step(identifier, [fault], endpoint(identifier, "HEALTHY", verdict, cause), *cluster)


def back(identifier, verdict, *cluster):
    return Step(identifier, [], endpoint(identifier, verdict, "HEALTHY"), *cluster)


def worse(name, verdict="DEGRADED"):
    return tier(name, "HEALTHY", verdict), prognosis("HEALTHY", "DEGRADED")


def better(name, verdict="DEGRADED"):
    return tier(name, verdict, "HEALTHY"), prognosis("DEGRADED", "HEALTHY")


OLLAMA, LLAMACPP, VLLM, GATEWAY, WEB = "local/ollama", "local/llamacpp", "remote/vllm", "gateway/litellm", "nas/web"
END = "end/marker"

STEPS = [
    Step(None, [],
         *(endpoint(one, "UNKNOWN", "HEALTHY") for one in SCENARIO["endpoints"]),
         *(tier(one, "UNKNOWN", "HEALTHY") for one in ("local", "remote", "gateway", "nas", "end")),
         prognosis("UNKNOWN", "HEALTHY")),
    there(OLLAMA, {"fault": "cpu_fallback"}, "DEGRADED", "cpu-fallback", *worse("local")),
    back(OLLAMA, "DEGRADED", *better("local")),
    there(OLLAMA, {"fault": "model_missing"}, "DEGRADED", "model-missing", *worse("local")),
    back(OLLAMA, "DEGRADED", *better("local")),
    Step(OLLAMA, [{"fault": "model_missing", "model": "llava:7b"}], lost("vision")),
    Step(OLLAMA, [], served("vision")),
    # Two endpoints see it, in any order: the gateway looks at its backends by itself.
    there(OLLAMA, {"fault": "refused"}, "DOWN", "refused", *worse("local"), lost("vision"),
          endpoint(GATEWAY, "HEALTHY", "DEGRADED", "backend-dead"), tier("gateway", "HEALTHY", "DEGRADED")),
    back(OLLAMA, "DOWN", *better("local"), served("vision"),
         endpoint(GATEWAY, "DEGRADED", "HEALTHY"), tier("gateway", "DEGRADED", "HEALTHY")),
    there(LLAMACPP, {"fault": "loading"}, "LOADING", "loading", *worse("local")),
    back(LLAMACPP, "LOADING", *better("local")),
    there(LLAMACPP, {"fault": "busy"}, "BUSY", "busy", *worse("local")),
    back(LLAMACPP, "BUSY", *better("local")),
    there(LLAMACPP, {"fault": "wedge"}, "BUSY", "busy", *worse("local"),
          endpoint(LLAMACPP, "BUSY", "WEDGED", "stalled")),
    back(LLAMACPP, "WEDGED", *better("local")),
    there(LLAMACPP, {"fault": "sleeping"}, "HEALTHY", "sleeping"),
    back(LLAMACPP, "HEALTHY"),
    there(LLAMACPP, {"fault": "refused"}, "DOWN", "refused", *worse("local")),
    back(LLAMACPP, "DOWN", *better("local")),
    there(VLLM, {"fault": "status", "status": 401, "paths": ["/v1/models"]}, "MISCONFIGURED", "auth",
          *worse("remote", "DOWN")),
    back(VLLM, "MISCONFIGURED", *better("remote", "DOWN")),
    there(VLLM, {"fault": "hang"}, "BUSY", "timeout-after-accept", *worse("remote"),
          endpoint(VLLM, "BUSY", "WEDGED", "timeout-after-accept"), tier("remote", "DEGRADED", "DOWN")),
    back(VLLM, "WEDGED", *better("remote", "DOWN")),
    there(WEB, {"fault": "status", "status": 500}, "DOWN", "server-error", *worse("nas", "DOWN")),
    Step(WEB, [{"fault": "redirect"}], endpoint(WEB, "DOWN", "MISCONFIGURED", "redirect")),
    back(WEB, "MISCONFIGURED", *better("nas", "DOWN")),
    # Here the drivers end, so what this means for tier and cluster is not waited for.
    there(END, {"fault": "refused"}, "DOWN", "refused"),
]
