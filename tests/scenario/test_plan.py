"""homelab plan as a user meets it: exit codes, table, JSON by its schema, picture."""

import json
import os
import pathlib
import struct
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

from schema import Checker

HOMELAB = os.environ["HOMELAB"]
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BY_HAND = str(ROOT / "examples" / "inventory" / "plan.yaml")
HONEST = str(ROOT / "examples" / "inventory" / "plan-honest.yaml")
GIB = 1 << 30
HEADERS = str(ROOT / "tests" / "data" / "gguf")
NODE = "nodes:\n  a: {ram_gib: 32, gpus: [{memory_gib: 24, vendor: nvidia, name: X}]}\nmodels:\n"


class Plan(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def run_plan(self, *arguments, **environment):
        done = subprocess.run([HOMELAB, "plan", *arguments], capture_output=True, text=True, timeout=60, check=False,
                              env={"PATH": os.environ["PATH"], **environment})
        return done.returncode, done.stdout, done.stderr

    def inventory(self, models):
        path = os.path.join(self.folder.name, "inventory.yaml")
        pathlib.Path(path).write_text(NODE + models)
        return path

    def json(self, *arguments):
        code, out, err = self.run_plan(*arguments, "--json")
        self.assertEqual(err, "")
        document = json.loads(out)
        checker = Checker(json.loads((ROOT / "schema" / "plan.schema.json").read_text()))
        checker.check(document, checker.root, "")
        self.assertEqual(checker.found, [])
        return code, document

    def test_by_hand(self):
        code, out, err = self.run_plan("--inventory", BY_HAND)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("20.1 of 24.0 GiB, 84 %", out)
        code, document = self.json("--inventory", BY_HAND)
        self.assertEqual(code, 0)
        self.assertTrue(document["optimal"])
        self.assertEqual(document["objective"], document["bound"])
        self.assertEqual([model["cpu"] for model in document["models"]], [False] * 5 + [True] * 2)
        self.assertEqual(document["models"][0]["ngl"], 28)

    def test_honest(self):
        """The models of the plan by hand with their headers: what was left out of it is more than what was left of the GPU."""
        code, out, err = self.run_plan("--inventory", HONEST, "--models", HEADERS)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("24.0 of 24.0 GiB, 100 %", out)
        by_hand, honest = (self.json("--inventory", path, "--models", HEADERS)[1] for path in (BY_HAND, HONEST))
        self.assertEqual([model["name"] for model in by_hand["models"]], [model["name"] for model in honest["models"]])
        self.assertTrue(honest["optimal"])
        self.assertEqual({model["confidence"] for model in by_hand["models"]}, {"given"})
        self.assertEqual({model["confidence"] for model in honest["models"]}, {"exact"})
        self.assertEqual([(model["ngl"], f"{sum(model['bytes'].values()) / GIB:.1f}") for model in honest["models"]],
                         [(49, "10.0"), (29, "5.1"), (33, "5.9"), (13, "2.3"), (13, "0.7"), (0, "20.7"), (0, "42.3")])
        self.assertEqual([model["cpu"] for model in honest["models"]], [False] * 5 + [True] * 2)
        self.assertIn("with 13 of 33 layers, in the room that the others leave; with its projector (619 MiB)",
                      honest["models"][3]["why"])
        on_gpu = honest["models"][:5]
        parts = {part: sum(model["bytes"][part] for model in on_gpu) / GIB for part in ("weights", "context", "compute", "overhead")}
        self.assertEqual({part: f"{size:.1f}" for part, size in parts.items()},
                         {"weights": "18.0", "context": "3.2", "compute": "0.5", "overhead": "2.2"})

    def test_exit_codes(self):
        cases = (("  m: {size_gib: 4}\n", 0), ("  m: {size_gib: 40}\n", 1), ("  m: {size_gib: 40, required: true}\n", 2),
                 ("  m: {size_gib: 40, roles: [code]}\n", 2), ("  m: {size_gib: minus}\n", 3))
        for models, expected in cases:
            code, out, err = self.run_plan("-i", self.inventory(models))
            self.assertEqual(code, expected, models)
            self.assertEqual(bool(out), expected != 3)
            self.assertEqual(bool(err), expected == 3)

    def test_left_out(self):
        code, document = self.json("-i", self.inventory("  m: {size_gib: 40, roles: [code]}\n"))
        self.assertEqual(code, 2)
        self.assertEqual(document["roles_missing"], ["code"])
        self.assertEqual(document["left_out"][0]["needs_bytes"], 40 << 30)
        self.assertIn("16.0 GiB more there would do", document["left_out"][0]["why"])

    def test_usage(self):
        for arguments in ((), ("x",), ("-i", BY_HAND, "x"), ("--eval", "x"), ("-i", "/nonexistent"),
                          ("-i", BY_HAND, "--used", "gpu0"), ("-i", BY_HAND, "--used", "gpu0/gpu7=1"),
                          ("-i", BY_HAND, "--used", "gpu0/gpu0=x"), ("-i", BY_HAND, "-o", "plan.roles=x"),
                          ("-i", BY_HAND, "--svg", "/nonexistent/x.svg")):
            code, out, err = self.run_plan(*arguments)
            self.assertEqual((code, out), (3, ""), arguments)
            self.assertTrue(err.startswith("homelab: "), err)
        self.assertEqual(self.run_plan(HOMELAB_INVENTORY=BY_HAND)[0], 0)
        self.assertEqual(self.run_plan("--help")[0], 0)

    def test_readings(self):
        inventory = self.inventory("  m: {size_gib: 20}\n")
        self.assertFalse(self.json("-i", inventory)[1]["models"][0]["cpu"])
        document = self.json("-i", inventory, "--used", "a/gpu0=5")[1]
        self.assertTrue(document["models"][0]["cpu"])
        self.assertEqual((document["devices"][0]["others"], document["devices"][0]["others_from"]), (5 << 30, "reading"))
        self.assertIn("as read", self.run_plan("-i", inventory, "--used", "a/gpu0=5")[1])

    def test_header_that_is_not_there(self):
        code, out, err = self.run_plan("-i", self.inventory("  m: {size_gib: 4, file: none.gguf}\n"))
        self.assertEqual(code, 0)
        self.assertIn("none.gguf", err)
        self.assertIn("the size of 'm' is taken as the inventory gives it", err)

    def test_header_that_tells_too_little(self):
        """The size that is given counts then; without one the model is left out, and the others are placed."""
        path = pathlib.Path(self.folder.name, "bare.gguf")
        texts = [text.encode() for text in ("general.architecture", "llama")]
        path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", len(texts[0])) + texts[0]
                         + struct.pack("<IQ", 8, len(texts[1])) + texts[1])
        code, out, err = self.run_plan("-i", self.inventory(f"  m: {{size_gib: 3, file: {path}}}\n  n: {{file: {path}}}\n"))
        self.assertEqual(code, 1)
        self.assertRegex(out, r"(?m)^m +a/gpu0 +3\.00")
        self.assertRegex(out, r"(?m)^n +left out")
        self.assertIn("model 'm': found a header without layers or tensors", err)

    def test_errors_name_the_model(self):
        inventory = self.inventory("  m: {file: llama-3.2-1b.Q4_K_M.hdr, context: 1000000000, parallel: 256}\n")
        code, out, err = self.run_plan("-i", inventory, "--models", HEADERS)
        self.assertEqual((code, out), (3, ""))
        self.assertIn("plan of 'm': option 'vram.context'", err)

    def test_projector_and_draft_model(self):
        alone = "  m: {file: qwen2.5-vl-7b.Q4_K_M.hdr, context: 4096"
        both = ", mmproj: mmproj-qwen2.5-vl-7b.F16.hdr, draft: qwen2.5-0.5b.Q4_K_M.hdr"
        before = self.json("-i", self.inventory(alone + "}\n"), "--models", HEADERS)[1]["models"][0]
        after = self.json("-i", self.inventory(alone + both + "}\n"), "--models", HEADERS)[1]["models"][0]
        self.assertEqual((before["projector_bytes"], before["draft_bytes"]), (0, 0))
        # What libmtmd reserves for that file: tests/unit/test_projector.c.
        self.assertEqual(after["projector_bytes"], 1354131456 + 739025920)
        needs = [sum(model["parts"][0]["bytes"].values()) for model in (before, after)]
        self.assertEqual(needs[1] - needs[0], after["projector_bytes"] + after["draft_bytes"])
        self.assertIn("with its projector (1.9 GiB) and its draft model", after["why"])
        for flags in (after["flags"]["llama_server"], after["flags"]["docker"]):
            self.assertIn("mmproj-qwen2.5-vl-7b.F16.hdr --spec-type draft-simple --model-draft ", flags)
        code, out, err = self.run_plan("-i", self.inventory(alone + ", mmproj: none.gguf, draft: none.gguf}\n"),
                                       "--models", HEADERS)
        self.assertEqual(code, 0)
        self.assertIn("the projector of 'm' is left out\n", err)
        self.assertIn("the draft model of 'm' is left out\n", err)
        code, out, err = self.run_plan("-i", self.inventory(alone + ", mmproj: qwen2.5-0.5b.Q4_K_M.hdr}\n"),
                                       "--models", HEADERS)
        self.assertEqual((code, out), (3, ""))
        self.assertIn("model 'm': found a language model, expected an image projector", err)

    def test_explain(self):
        out = self.run_plan("-i", BY_HAND, "--explain")[1]
        self.assertIn("    llama-server --model qwen2.5-coder:14b --device CUDA0 --n-gpu-layers 28", out)
        self.assertIn("docker run", out)
        self.assertIn("Ollama: num_gpu 28", out)
        self.assertIn("proven the best", out)

    def test_picture_of_sets(self):
        """A bar for each set of models that are loaded together, none of which is wider than the device."""
        path = os.path.join(self.folder.name, "sets.svg")
        models = "  day: {size_gib: 20, sets: [day]}\n  night: {size_gib: 20, sets: [night]}\n  \"x\\uffff\": {size_gib: 2}\n"
        self.assertEqual(self.run_plan("-i", self.inventory(models), "--svg", path)[0], 0)
        root = xml.etree.ElementTree.parse(path).getroot()
        ends = [float(box.get("x", 0)) + float(box.get("width")) for box in root.iter("{http://www.w3.org/2000/svg}rect")]
        self.assertLessEqual(max(ends), float(root.get("width")))
        texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
        self.assertEqual([text for text in texts if text in ("day", "night")][:2], ["day", "night"])

    def test_picture(self):
        path = os.path.join(self.folder.name, "plan.svg")
        self.assertEqual(self.run_plan("-i", BY_HAND, "--svg", path)[0], 0)
        root = xml.etree.ElementTree.parse(path).getroot()
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        titles = [element.text for element in root.iter("{http://www.w3.org/2000/svg}title")]
        self.assertIn("qwen2.5-coder:14b: weights 9.0 GiB", titles)


unittest.main()
