"""What a model needs, as the library works it out, against what real servers say that they took."""

import json
import re
import subprocess
import tempfile

import cluster
import lab

MIB = 1 << 20
# Of the pinned llama.cpp; the one in the pinned Ollama is older than any change since.
LLAMACPP_DAY = "2026-10-11"
OLLAMA_DAY = "2026-01-01"
CELLS = 256
# Numbers of ggml's types and of llama.cpp's switches.
TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 8}
FLASH = {"auto": -1, "off": 0, "on": 1}
POOLING_NONE = 0

# Each differs so from one slot with a context of 4096, batches of 2048 and 512, f16 and auto.
SETTINGS = {
    "one slot": {},
    "trained context": {"context": 0},
    "odd context": {"context": 3000, "parallel": 3},
    "four slots": {"context": 8192, "parallel": 4},
    "four slots over one cache": {"context": 8192, "parallel": 4, "unified": "on"},
    "q8_0 cache": {"parallel": 2, "type_k": "q8_0", "type_v": "q8_0"},
    "mixed cache": {"type_k": "q8_0", "type_v": "q4_0", "batch": 1024, "ubatch": 256},
    "f32 cache": {"context": 2048, "type_k": "f32", "type_v": "f32"},
    "without flash attention": {"parallel": 2, "flash_attention": "off"},
    "q8_0 keys without flash attention": {"parallel": 2, "type_k": "q8_0", "unified": "on", "flash_attention": "off"},
    "large batches": {"context": 8192, "ubatch": 2048, "flash_attention": "on"},
    "small batches": {"batch": 64, "ubatch": 32, "parallel": 8},
    "embeddings": {"context": 2048, "ubatch": 2048, "parallel": 2, "embeddings": True},
}
DEFAULTS = {"context": 4096, "parallel": 1, "batch": 2048, "ubatch": 512, "type_k": "f16", "type_v": "f16",
            "flash_attention": "auto", "unified": "off", "embeddings": False}


def needs(gguf, **options):
    """The library's answer for the processor alone; options are those of vram.*"""
    command = [cluster.program(), "gguf", gguf, "--json", "-o", "vram.devices="]
    for name, value in options.items():
        command += ["-o", f"vram.{name}={str(value).lower() if isinstance(value, bool) else value}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)["needs"]
    assert answer, done.stderr
    return answer


def plan(gguf, **model):
    """The library's plan for one model on a processor."""
    inventory = {"nodes": {"n": {"ram_gib": 64}}, "models": {"m": {"file": gguf, **model}}}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(inventory, file)
        file.flush()
        done = subprocess.run([cluster.program(), "plan", "--inventory", file.name, "--json",
                               "-o", f"vram.runtime_date={LLAMACPP_DAY}"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["models"][0]


def printed(log, what):
    """MiB in the last line about a buffer, since a server first measures without memory."""
    found = re.findall(rf"CPU(?:_Mapped)? +{what} buffer size = +([0-9.]+) MiB", log)
    assert found, f"no {what} buffer in\n{log[-3000:]}"
    return found[-1]


def mib(size):
    return f"{size / MIB:.2f}"


def start(settings):
    server = lab.LlamaServer(n_ctx=settings["context"], n_parallel=settings["parallel"],
                             embedding=settings["embeddings"])
    server.options.update(
        verbosity=5, n_batch=settings["batch"], n_ubatch=settings["ubatch"], kv_unified=settings["unified"] == "on",
        cache_type_k=TYPES[settings["type_k"]], cache_type_v=TYPES[settings["type_v"]],
        flash_attn_type=FLASH[settings["flash_attention"]])
    if settings["embeddings"]:
        # As the model has it; its file names none.
        server.options["pooling_type"] = POOLING_NONE
    return server


class LlamaCpp(cluster.LabTest):
    def test_buffers_are_those_printed(self):
        for name, changes in SETTINGS.items():
            with self.subTest(name):
                settings = {**DEFAULTS, **changes}
                with start(settings) as server:
                    log = server.log()
                answer = needs(server.model, runtime_date=LLAMACPP_DAY, **settings)
                expected = {"model": "weights", "KV": "context", "compute": "compute", "output": "output_buffer"}
                self.assertEqual({what: mib(answer[key]) for what, key in expected.items()},
                                 {what: printed(log, what) for what in expected})


    def test_draft_model_counts_in_a_plan(self):
        """The model drafts for itself: its buffers twice, in one process, as the plan has them."""
        settings = {**DEFAULTS, "context": 8192, "parallel": 2}
        server = start(settings)
        server.options["draft"] = server.model
        with server:
            log = server.log()
        part, = plan(server.model, context=4096, parallel=2, draft=server.model)["parts"]
        sizes = {what: [float(size) for size in re.findall(rf"CPU(?:_Mapped)? +{what} buffer size = +([0-9.]+)", log)[-2:]]
                 for what in ("model", "KV", "compute", "output")}
        self.assertTrue(all(len(pair) == 2 for pair in sizes.values()), sizes)
        for key, expected in (("weights", sum(sizes["model"])), ("context", sum(sizes["KV"])),
                              ("compute", sum(sizes["compute"] + sizes["output"]))):
            self.assertAlmostEqual(part["bytes"][key] / MIB, expected, delta=0.02, msg=key)


class Ollama(cluster.LabTest):
    """On a processor its size is weights and the cache of num_ctx tokens. The cache that llama.cpp makes is
    rounded up, and compute buffers come on top; neither is told."""

    def test_size_is_weights_and_told_cache(self):
        for context in (1000, 4096, 8192):
            with self.subTest(context), lab.OllamaServer(n_ctx=context) as server:
                server.generate()
                loaded, = server.loaded()
                answer = needs(server.gguf, runtime="ollama", runtime_date=OLLAMA_DAY, context=context)
                rounded = -(-context // CELLS) * CELLS
                self.assertEqual(loaded["size"], answer["weights"] + answer["context"] // rounded * context)
                self.assertEqual(loaded["size_vram"], 0)
                self.assertEqual(printed(server.log(), "model"), mib(answer["weights"]))
                self.assertEqual(printed(server.log(), "KV"), mib(answer["context"]))
