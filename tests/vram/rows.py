"""What the tests of `homelab plan --eval` share: the data, and how to run it."""
import json
import os
import pathlib
import subprocess
import tempfile

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
COMMAND = os.environ.get("HOMELAB", "homelab")
# What a row measured; an evaluation must not need it.
RESULTS = {"rc", "n_ctx", "n_ctx_seq", "n_ubatch", "devices", "output_buffer_MiB", "kv_lines", "rs_lines", "layer_devices",
           "sched_copies", "graph_splits", "fa_resolved", "warnings", "error", "printed", "n_swa_layers", "max_ngl",
           "used_at_max", "used_at_next"}


def read(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def run(text, headers):
    """Exit code, lines and messages for the text of a file of rows."""
    with tempfile.TemporaryDirectory() as folder:
        rows = pathlib.Path(folder) / "rows.jsonl"
        rows.write_bytes(text if isinstance(text, bytes) else text.encode())
        done = subprocess.run([COMMAND, "plan", "--eval", str(rows), "--headers", str(headers)], capture_output=True, timeout=570)
    return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode(errors="replace")


def evaluate(rows, headers):
    """One answer a row; what the rows measured is taken out before."""
    text = "".join(json.dumps({key: row[key] for key in row if key not in RESULTS}) + "\n" for row in rows)
    code, lines, messages = run(text, headers)
    assert code == 0, (code, messages[-500:])
    answers = [json.loads(line) for line in lines]
    assert len(answers) == len(rows), (len(answers), len(rows))
    return answers
