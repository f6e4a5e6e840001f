"""Model files: facts, keys and tensors from a file, bytes, a web server and what servers tell; estimates."""

import asyncio
import contextlib
import functools
import http.server
import json
import threading
import unittest

import homelab
import lab


@contextlib.contextmanager
def web_server():
    """Serves the headers; gives the URL of the folder."""
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=lab.HEADER.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class Facts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gguf = homelab.Gguf.load(lab.HEADER)

    def test_properties(self):
        gguf = self.gguf
        self.assertEqual((gguf.architecture, gguf.name, gguf.file_type, gguf.file_type_name), ("llama", "llama-3.2-1b", 15, "Q4_K_M"))
        self.assertEqual((gguf.layers, gguf.trained_context, gguf.embedding_length, gguf.vocabulary_size), (16, 131072, 2048, 128256))
        self.assertEqual((gguf.source, gguf.certain, gguf.version, gguf.big_endian), (homelab.GgufSource.FILE, True, 3, False))
        self.assertEqual((gguf.file_bytes, gguf.complete, gguf.parts), (lab.HEADER.stat().st_size, False, 1))
        self.assertEqual(gguf.data_offset % gguf.alignment, 0)
        self.assertEqual(gguf.to_dict()["n_layer"], 16)
        self.assertEqual(repr(gguf), "<Gguf llama 'llama-3.2-1b' Q4_K_M: 16 layers, 0.7 GiB>")

    def test_keys(self):
        gguf = self.gguf
        self.assertEqual((gguf["llama.block_count"], gguf["general.architecture"]), (16, "llama"))
        self.assertAlmostEqual(gguf["llama.attention.layer_norm_rms_epsilon"], 1e-5)
        self.assertEqual(len(gguf), len(dict(gguf)))
        self.assertEqual(list(gguf)[0], "general.architecture")
        self.assertIn("llama.block_count", gguf)
        self.assertNotIn(3, gguf)
        self.assertEqual(gguf.get("none", 7), 7)
        self.assertEqual(gguf.length("llama.block_count"), 1)
        for call in (gguf.__getitem__, gguf.length):
            self.assertRaises(KeyError, call, "none")

    def test_arrays(self):
        granite, projector = (lab.HEADER.parent / name for name in ("granite-4.0-h-micro.Q4_K_M.hdr", "mmproj-gemma-3-4b.F16.hdr"))
        heads = homelab.Gguf.load(granite)["granitehybrid.attention.head_count_kv"]
        self.assertEqual((len(heads), heads[:6]), (40, (0, 0, 0, 0, 0, 8)))
        gguf = homelab.Gguf.load(projector)
        self.assertEqual((gguf["clip.vision.image_mean"], gguf["clip.has_vision_encoder"]), ((0.5, 0.5, 0.5), True))
        self.assertIs(type(gguf["clip.has_vision_encoder"]), bool)

    def test_what_is_not_kept(self):
        gguf = homelab.Gguf.load(lab.HEADER.parent / "granite-4.0-h-micro.Q4_K_M.hdr", gguf_max_items=3, gguf_max_text_bytes=2)
        self.assertEqual((gguf["granitehybrid.attention.head_count_kv"], gguf["general.name"]), (None, None))
        self.assertEqual(gguf.length("granitehybrid.attention.head_count_kv"), 40)

    def test_tensors(self):
        tensors = {one.name: one for one in self.gguf.tensors}
        self.assertEqual(len(tensors), self.gguf.to_dict()["n_tensors"])
        self.assertEqual(tensors["token_embd.weight"].shape, (2048, 128256))
        self.assertEqual((tensors["rope_freqs.weight"].shape, tensors["rope_freqs.weight"].type), ((32,), "f32"))
        self.assertEqual(sum(one.size_bytes for one in tensors.values()), self.gguf.tensor_bytes)

    def test_identity(self):
        again = homelab.Gguf.load(lab.HEADER)
        self.assertNotEqual(again, self.gguf)
        self.assertEqual(len({again, self.gguf}), 2)
        self.assertRaises(TypeError, homelab.Gguf)
        self.assertRaises(TypeError, homelab.Estimate)

    def test_bytes(self):
        data = lab.HEADER.read_bytes()
        gguf = homelab.Gguf.parse(data, "mine")
        self.assertEqual((gguf.source, gguf.layers), (homelab.GgufSource.MEMORY, 16))
        with self.assertRaises(homelab.FormatError) as caught:
            homelab.Gguf.parse(data[:1000], "mine")
        self.assertTrue(str(caught.exception).startswith("mine: "), caught.exception)
        self.assertIsInstance(caught.exception, ValueError)

    def test_errors(self):
        self.assertRaises(FileNotFoundError, homelab.Gguf.load, "/nonexistent")
        self.assertRaises(homelab.FormatError, homelab.Gguf.load, __file__)
        self.assertRaises(homelab.LimitError, homelab.Gguf.load, lab.HEADER, gguf_max_keys=3)
        self.assertRaises(homelab.UnknownOptionError, homelab.Gguf.load, lab.HEADER, gguf_max_key=3)

    def test_servers(self):
        show = {"model_info": {"general.architecture": "llama", "llama.block_count": 16, "llama.context_length": 4096},
                "details": {"quantization_level": "Q4_K_M"}, "capabilities": ["completion"]}
        for answer in (show, json.dumps(show), json.dumps(show).encode()):
            gguf = homelab.Gguf.from_show(answer)
            self.assertEqual((gguf.source, gguf.certain, gguf.layers, gguf.version), (homelab.GgufSource.OLLAMA, False, 16, None))
            self.assertRaises(homelab.ArgumentError, gguf.estimate)
        models = {"data": [{"id": "m", "meta": {"n_vocab": 128256, "n_ctx_train": 131072, "n_embd": 2048, "n_params": 1235814432,
                                                "size": 799862912}}]}
        gguf = homelab.Gguf.from_models(models, "m")
        self.assertEqual((gguf.source, gguf.vocabulary_size, gguf.layers), (homelab.GgufSource.LLAMACPP, 128256, None))
        self.assertRaises(homelab.NotFoundError, homelab.Gguf.from_models, models, "other")
        self.assertRaises(homelab.FormatError, homelab.Gguf.from_show, {})
        self.assertRaises(homelab.ParseError, homelab.Gguf.from_show, "{")


class Web(unittest.TestCase):
    def test_blocking(self):
        with web_server() as url:
            gguf = homelab.Gguf.load_url(url + lab.HEADER.name)
            self.assertEqual((gguf.source, gguf.layers), (homelab.GgufSource.URL, 16))
            self.assertRaises(homelab.NotFoundError, homelab.Gguf.load_url, url + "none.gguf")
        self.assertRaises(ConnectionError, homelab.Gguf.load_url, "http://127.0.0.1:1/x.gguf")
        self.assertRaises(homelab.ArgumentError, homelab.Gguf.load_url, "ftp://x/y")

    def test_timeout(self):
        with lab.cluster(slow={"faults": [{"fault": "hang"}]}) as simulator:
            host, port = simulator.address("local/slow")
            self.assertRaises(TimeoutError, homelab.Gguf.load_url, f"http://{host}:{port}/x.gguf", 0.05)

    def test_asyncio(self):
        async def main(url):
            async with homelab.Context() as context:
                found = await asyncio.gather(homelab.Gguf.fetch(url), homelab.Gguf.fetch(url, context=context),
                                             homelab.Gguf.fetch(url, context=context))
                self.assertFalse(context.closed)
            return found

        with web_server() as url:
            self.assertEqual([gguf.layers for gguf in asyncio.run(main(url + lab.HEADER.name))], [16, 16, 16])

    def test_cancel(self):
        async def main(url):
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(homelab.Gguf.fetch(url), 0.05)

        with lab.cluster(slow={"faults": [{"fault": "hang"}]}) as simulator:
            host, port = simulator.address("local/slow")
            asyncio.run(main(f"http://{host}:{port}/x.gguf"))


class Estimates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gguf = homelab.Gguf.load(lab.HEADER)
        cls.estimate = cls.gguf.estimate(vram_context=8192, vram_devices="cuda:8.9")

    def test_devices(self):
        estimate = self.estimate
        self.assertEqual([one.name for one in estimate], ["CUDA0", "HOST"])
        device = estimate["CUDA0"]
        self.assertEqual(device.total_bytes, device.weights_bytes + device.context_bytes + device.compute_bytes + device.overhead_bytes)
        # 16 layers, 8 heads of 64 for keys and values, two bytes each.
        self.assertEqual(device.context_bytes, 8192 * 16 * 2 * 8 * 64 * 2)
        self.assertEqual((estimate.confidence, estimate.gpu_layers), (homelab.Confidence.EXACT, 17))
        self.assertEqual((estimate.context_tokens, estimate.slot_tokens % 256, estimate.flash_attention), (8192, 0, True))
        self.assertGreater(estimate.output_buffer_bytes, 0)
        self.assertEqual(estimate.to_dict()["devices"][0]["weights"], device.weights_bytes)
        self.assertRaises(KeyError, estimate.__getitem__, "CUDA1")
        self.assertEqual(estimate, self.gguf.estimate(vram_context=8192, vram_devices="cuda:8.9"))
        self.assertNotEqual(hash(estimate), hash(self.gguf.estimate()))
        self.assertRegex(repr(estimate), r"^<Estimate EXACT: 17 layers on devices, CUDA0 \d\.\d GiB, HOST \d\.\d GiB>$")
        self.assertTrue(str(estimate).endswith("EXACT: 17 layers on devices, 8192 tokens"), str(estimate))

    def test_calibrate(self):
        seen = self.estimate.calibrate("CUDA0", 3 << 30)
        self.assertEqual(seen["CUDA0"].total_bytes, 3 << 30)
        self.assertEqual(seen["CUDA0"].correction_bytes, (3 << 30) - self.estimate["CUDA0"].total_bytes)
        self.assertEqual(self.estimate["CUDA0"].correction_bytes, 0)
        self.assertRaises(KeyError, self.estimate.calibrate, "CUDA1", 0)
        self.assertRaises(homelab.ArgumentError, self.estimate.calibrate, "CUDA0", -1)

    def test_fit(self):
        few = self.gguf.fit(vram_context=8192, vram_devices="cuda:8.9", vram_free_mib="1200", vram_margin_mib=512)
        self.assertEqual(few.gpu_layers, 9)
        self.assertRaises(homelab.NotFoundError, self.gguf.fit, vram_devices="cuda:8.9", vram_free_mib="10")
        self.assertRaises(homelab.OptionValueError, self.gguf.estimate, vram_devices="nonsense:x")


if __name__ == "__main__":
    unittest.main()
