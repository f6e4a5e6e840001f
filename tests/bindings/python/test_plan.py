"""Plans, as the package gives them."""

import threading
import unittest
import xml.etree.ElementTree

import homelab
import lab

NODE = {"a": {"ram_gib": 32, "gpus": [{"memory_gib": 24, "vendor": "nvidia", "name": "X"}]}}


def inventory(**models):
    return {"nodes": NODE, "models": {name: dict(model) for name, model in models.items()}}


class Plans(unittest.TestCase):
    def test_complete(self):
        plan = homelab.Planner(lab.ROOT / "examples/inventory/plan.yaml").plan()
        self.assertEqual((plan.status, plan.optimal, plan.left_out), (homelab.PlanStatus.COMPLETE, True, ()))
        self.assertEqual(plan.levels, plan.bounds)
        self.assertEqual([model.on_cpu for model in plan.models], [False] * 5 + [True] * 2)
        self.assertEqual([device.id for device in plan.devices], ["gpu0/gpu0", "gpu0/cpu"])
        gpu = plan.devices[0]
        self.assertEqual((gpu.name, gpu.is_gpu, gpu.capacity_bytes, gpu.was_read), ("RTX 4090", True, 24 << 30, False))
        self.assertEqual(gpu.planned_bytes, sum(part.total_bytes for model in plan for part in model.parts if part.device == gpu.id))
        first = plan.models[0]
        self.assertEqual((first.name, first.layers, first.parts[0].weights_bytes), ("qwen2.5-coder:14b", 28, 9 << 30))
        self.assertIn("--n-gpu-layers 28", first.llama_server)
        self.assertIsNone(first.kv)
        self.assertIn("docker run", first.docker)
        self.assertIn("CUDA_VISIBLE_DEVICES=0", first.ollama)
        self.assertEqual(plan.to_dict()["models"][0]["why"], first.why)
        self.assertEqual(first.to_dict()["parts"][0]["device"], "gpu0/gpu0")
        self.assertEqual(xml.etree.ElementTree.fromstring(plan.to_svg()).tag, "{http://www.w3.org/2000/svg}svg")
        self.assertEqual(repr(plan), "<Plan COMPLETE: 7 of 7 models placed>")
        self.assertTrue(str(plan).endswith("7 of 7 models placed, proven the best"), str(plan))
        self.assertRaises(TypeError, homelab.Plan)

    def test_left_out(self):
        plan = homelab.Planner(inventory(m={"size_gib": 40}, n={"size_gib": 4})).plan()
        self.assertEqual((plan.status, len(plan)), (homelab.PlanStatus.PARTIAL, 2))
        left = plan.left_out[0]
        self.assertEqual((left.name, left.placed, left.parts, left.docker, left.kv), ("m", False, (), None, None))
        self.assertIn("20.0 GiB more there would do", left.why)
        plan = homelab.Planner(inventory(m={"size_gib": 40, "required": True})).plan()
        self.assertEqual(plan.status, homelab.PlanStatus.FAILED)
        self.assertEqual(str(homelab.Planner({"nodes": NODE}).plan()), "COMPLETE: 0 of 0 models placed, proven the best")

    def test_headers(self):
        given = homelab.Inventory.from_dict(inventory(m={"file": str(lab.HEADER), "context": 8192}))
        self.assertEqual(given.model_files, {"m": str(lab.HEADER)})
        plans = [homelab.Planner(given, headers=headers).plan()
                 for headers in (given.model_files, {"m": lab.HEADER}, {"m": homelab.Gguf.load(lab.HEADER)})]
        self.assertEqual(plans[0], plans[1])
        self.assertEqual(plans[0], plans[2])
        model = plans[0].models[0]
        self.assertEqual((model.layers, model.context, model.kv), (17, 8192, "f16"))
        self.assertGreater(model.parts[0].context_bytes, 0)
        self.assertRaises(homelab.NotFoundError, homelab.Planner, given, headers={"n": lab.HEADER})
        self.assertRaises(FileNotFoundError, homelab.Planner, given, headers={"m": "/nonexistent"})

    def test_beside_a_model(self):
        gguf = lab.ROOT / "tests/data/gguf"
        files = {"file": "qwen2.5-vl-7b.Q4_K_M.hdr", "mmproj": "mmproj-qwen2.5-vl-7b.F16.hdr", "draft": "qwen2.5-0.5b.Q4_K_M.hdr"}
        given = homelab.Inventory.from_dict(inventory(m={key: str(gguf / file) for key, file in files.items()}))
        bare = homelab.Planner(given, given.model_files).plan().models[0].parts[0]
        seeing = homelab.Planner(given, given.model_files, projectors=given.model_projectors).plan().models[0]
        both = homelab.Planner(given, given.model_files, projectors=given.model_projectors, drafts=given.model_drafts).plan().models[0]
        self.assertGreater(seeing.parts[0].weights_bytes, bare.weights_bytes + (1 << 30))
        self.assertIn("--mmproj", seeing.llama_server)
        self.assertGreater(both.parts[0].context_bytes, seeing.parts[0].context_bytes)
        self.assertIn("--model-draft", both.llama_server)
        planner = homelab.Planner(given)
        self.assertRaises(homelab.ArgumentError, planner.set_projector, "m", given.model_files["m"])
        self.assertRaises(homelab.ArgumentError, planner.set_draft, "m", given.model_projectors["m"])

    def test_readings_and_differences(self):
        given = inventory(m={"size_gib": 20})
        before = homelab.Planner(given).plan()
        planner = homelab.Planner(given, used={"a/gpu0": 5 << 30})
        after = planner.plan()
        self.assertTrue(after.models[0].on_cpu)
        self.assertEqual((after.devices[0].others_bytes, after.devices[0].was_read), (5 << 30, True))
        self.assertEqual(after.diff(after), ())
        self.assertEqual(len(after.diff(before)), 1)
        self.assertIn("m", after.diff(before)[0])
        self.assertNotEqual(after, before)
        planner.set_used("a/gpu0", 0)
        self.assertFalse(planner.plan().models[0].on_cpu)
        for wrong, kind in (("a", ValueError), ("a/cpu", ValueError), ("a/gpu1", homelab.NotFoundError), ("b/gpu0", homelab.NotFoundError)):
            self.assertRaises(kind, planner.set_used, wrong, 0)
        self.assertEqual(repr(planner), "<Planner of 1 models>")

    def test_options(self):
        given = inventory(m={"size_gib": 4, "roles": ["code"]})
        self.assertEqual(homelab.Planner(given, plan_roles="code").plan().status, homelab.PlanStatus.COMPLETE)
        self.assertRaises(homelab.UnknownOptionError, homelab.Planner, given, plan_role="code")

    def test_other_threads_run_meanwhile(self):
        """Several plans at once, in threads, are what one alone is."""
        given = homelab.Inventory.load(lab.ROOT / "examples/inventory/plan.yaml")
        found = []
        threads = [threading.Thread(target=lambda: found.append(homelab.Planner(given).plan())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(set(found)), 1)
        self.assertEqual(len(found), 4)


if __name__ == "__main__":
    unittest.main()
