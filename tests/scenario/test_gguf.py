"""homelab gguf: what a model file holds and needs, from disk and from a web server."""

import functools
import http.server
import pathlib
import tempfile
import threading
import unittest

from cluster import check_schema, run

HEADERS = pathlib.Path(__file__).resolve().parent.parent / "data" / "gguf"
LLAMA = HEADERS / "llama-3.2-1b.Q4_K_M.hdr"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Gguf(unittest.TestCase):
    def ask(self, *arguments):
        result = run("gguf", *map(str, arguments))
        self.assertEqual((result.code, result.err), (0, ""))
        return result

    def test_every_header_fits_the_schema(self):
        for path in sorted(HEADERS.glob("*.hdr")):
            with self.subTest(path.name):
                document = self.ask("--json", path).json()
                check_schema(document, "gguf.schema.json")
                self.assertFalse(document["complete"])
                self.assertEqual(document["file_bytes"], path.stat().st_size)

    def test_what_it_holds_and_needs(self):
        document = self.ask("--json", "--ctx", 8192, LLAMA).json()
        needs = document.pop("needs")
        self.assertEqual(document, {
            "schema": 1, "version": 3, "byte_order": "little", "architecture": "llama", "name": "llama-3.2-1b", "file_type": 15,
            "n_layer": 16, "n_ctx_train": 131072, "n_embd": 2048, "n_vocab": 128256, "n_tensors": 147, "n_kv": 16,
            "alignment": 32, "data_offset": 9344, "tensor_bytes": 799862912, "file_bytes": 9344, "complete": False, "parts": 1})
        # 16 layers of keys and values, 512 wide, two bytes each; logits of four slots.
        self.assertEqual((needs["ctx"], needs["context"], needs["output_buffer"]),
                         (8192, 8192 * 16 * 2 * 512 * 2, 4 * 128256 * 4))
        self.assertGreaterEqual(needs["weights"], document["tensor_bytes"])
        self.assertGreater(needs["compute"], 0)

    def test_options_of_the_estimate(self):
        usual = self.ask("--json", "--ctx", 8192, LLAMA).json()["needs"]
        small = self.ask("--json", "--ctx", 8192, "--option", "vram.type_k=q8_0", "--option", "vram.type_v=q8_0",
                         LLAMA).json()["needs"]
        self.assertLess(small["context"], usual["context"])

    def test_for_people(self):
        text = self.ask(LLAMA).out
        self.assertIn("llama-3.2-1b · llama · Q4_K_M\n", text)
        self.assertIn("needs on one GPU with all layers, at a context of 131072\n", text)

    def test_from_a_web_server(self):
        handler = functools.partial(Quiet, directory=HEADERS)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_port}"
            document = self.ask("--json", f"{url}/{LLAMA.name}").json()
            missing = run("gguf", f"{url}/nothing.gguf")
            server.shutdown()
        self.assertEqual(document, self.ask("--json", LLAMA).json())
        self.assertEqual((missing.code, missing.out), (3, ""))
        self.assertRegex(missing.err, r"^homelab: http://127.0.0.1:\d+/nothing.gguf: answered 404, expected a file\n$")

    def test_bad_files(self):
        good = LLAMA.read_bytes()
        for content, message in ((b"", "byte 0: header: the file ends here"),
                                 (b"PK\x03\x04" + good, "byte 0: magic: found 0x504b0304, expected 'GGUF'"),
                                 (good[:5000], "byte 5000: tensor 74: the file ends here")):
            with self.subTest(message), tempfile.NamedTemporaryFile() as file:
                file.write(content)
                file.flush()
                result = run("gguf", "--json", file.name)
                self.assertEqual((result.code, result.out), (3, ""))
                self.assertEqual(result.err.count("\n"), 1)
                self.assertIn(f"{file.name}: byte ", result.err)
                self.assertIn(message, result.err)

    def test_wrong_use(self):
        for arguments in ((), (LLAMA, LLAMA), ("--ctx", "0", LLAMA), ("--ctx", "many", LLAMA), ("--timeout", "-1", LLAMA),
                          ("--option", "gguf.nothing=1", LLAMA), ("/nowhere/model.gguf",)):
            with self.subTest(arguments):
                result = run("gguf", *map(str, arguments))
                self.assertEqual((result.code, result.out), (3, ""))
                self.assertEqual(result.err.count("\n"), 1)


if __name__ == "__main__":
    unittest.main()
