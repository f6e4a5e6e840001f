"""homelab route --eval: labels for rows, without an inventory."""

import json
import os
import tempfile
import unittest

from cluster import run

ROWS = [
    {"id": "a", "text": "Write a Python function that merges two sorted lists.", "label": "code"},
    {"id": 2, "text": "what is in here", "has_image": True, "label": "vision", "lang": "en"},
    {"id": "c", "text": "a passage of some text", "request_kind": "embeddings", "has_image": False, "label": "embed"},
    {"id": "ü\"\n", "text": "who wrote the novel moby dick", "has_image": None, "request_kind": None, "label": "chat"},
    {"id": "e", "text": "hm", "label": 7},
    {"id": "f", "text": "", "label": "no such task"},
]
BAD = [
    ("not json", None, "expected a JSON object"),
    ("[]", None, "expected a JSON object"),
    ('{"text":"x"}', None, "id: expected a text or a number"),
    ('{"id":"g"}', "g", "text: expected a text"),
    ('{"id":"h","text":1}', "h", "text: expected a text"),
    ('{"id":"i","text":"x","has_image":1}', "i", "has_image: expected true or false"),
    ('{"id":"j","text":"x","request_kind":"other"}', "j", 'request_kind: expected "chat" or "embeddings"'),
]


class RouteEval(unittest.TestCase):
    def evaluate(self, lines):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
            file.write("\n".join(lines))
            file.flush()
            result = run("route", "--eval", file.name)
        return result, [json.loads(line) for line in result.out.split("\n")[:-1]]

    def test_labels(self):
        result, rows = self.evaluate(json.dumps(row) for row in ROWS)
        self.assertEqual(result.code, 0)
        self.assertEqual([row["id"] for row in rows], [row["id"] for row in ROWS])
        self.assertEqual([row["label"] for row in rows[:4]], ["code", "vision", "embed", "fast"])
        self.assertTrue(all(set(row) == {"id", "label"} for row in rows))
        self.assertIn("accuracy 0.750", result.err)
        self.assertIn("6 rows, 0 bad", result.err)

    def test_bad_rows(self):
        result, rows = self.evaluate([line for line, _, _ in BAD] + ["", json.dumps(ROWS[0])])
        self.assertEqual(result.code, 3)
        self.assertEqual(rows[:-1], [{"id": name, "error": text} for _, name, text in BAD])
        self.assertEqual(rows[-1], {"id": "a", "label": "code"})
        self.assertIn(f"{len(BAD) + 1} rows, {len(BAD)} bad", result.err)

    def test_without_labels(self):
        result, rows = self.evaluate(['{"id":1,"text":"\\u0000 \\ud83d\\ude00"}'])
        self.assertEqual((result.code, len(rows)), (0, 1))
        self.assertNotIn("accuracy", result.err)

    def test_large_ids(self):
        """Numbers stay what they are, also those that no double holds."""
        ids = ["9007199254740991", "9223372036854775807", "-9007199254740993", "0", "1.5"]
        lines = [f'{{"x":{{"id":1}},"y":"\\"id\\":2","id" : {number} ,"text":"hm"}}' for number in ids]
        result, rows = self.evaluate([*lines, '{"text":"hm","id":9007199254740993}', '{"id":18446744073709551617}'])
        self.assertEqual([row["id"] for row in rows], [json.loads(number) for number in ids] + [9007199254740993, 18446744073709551617])
        self.assertEqual((result.code, rows[-1]["error"]), (3, "text: expected a text"))

    def test_empty(self):
        result, rows = self.evaluate([])
        self.assertEqual((result.code, rows, result.err), (0, [], "0 rows, 0 bad\n"))

    def test_no_file(self):
        result = run("route", "--eval", os.path.join(tempfile.gettempdir(), "no", "such", "file"))
        self.assertEqual((result.code, result.out), (3, ""))
        self.assertIn("No such file", result.err)


unittest.main()
