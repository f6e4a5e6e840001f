#!/usr/bin/env python3
"""Rows that are wrong in all ways: each gets its line, the exit code says that one could not be read, nothing falls over."""
import json
import random

import rows as data

HEADERS = data.DATA / "gguf"
GOOD = {"id": "a", "gguf": "llama-3.2-1b.Q4_K_M", "opts": {"dev": "stub:1", "ngl": 999, "ctx": 4096}}
UNREADABLE = [
    "", "x", "[]", "{", "null", "{}", '{"gguf":1}', '{"gguf":""}', '{"gguf":"../secret"}', '{"gguf":"/etc/passwd"}',
    '{"gguf":"no-such-model"}', '{"gguf":"' + "a" * 5000 + '"}', '{"gguf":"llama-3.2-1b.Q4_K_M"} trailing',
]
REFUSED = [
    {"dev": "stub:17"}, {"dev": "stub:-1", "ngl": -7}, {"dev": "toaster"}, {"dev": "rpc:" + "a" * 4000}, {"ctx": -1},
    {"ctx": 1e18}, {"ubatch": 0}, {"par": 100000}, {"ctk": "q9"}, {"ctv": "q8_0", "fa": "off"}, {"fa": "maybe"}, {"ts": "1,x"},
    {"mem": ",,,,,,,"}, {"ctx": 2000000000, "par": 256, "ubatch": 1000000, "batch": 1000000},
]


def line(**changes):
    return json.dumps({**GOOD, **changes})


def test_unreadable():
    for bad in UNREADABLE:
        code, lines, messages = data.run("\n".join([line(), bad, line(id="b")]) + "\n", HEADERS)
        assert code == 3, (bad, code)
        assert len(lines) == 3, (bad, lines)
        assert json.loads(lines[0])["id"] == "a" and json.loads(lines[2])["id"] == "b"
        assert "error" in json.loads(lines[1])
        assert messages.startswith("homelab: row 2: "), messages


def test_what_cannot_be_read_keeps_its_id():
    code, lines, _ = data.run(line(gguf="none") + "\n" + line(kind="llama_fit", gguf=None) + "\n", HEADERS)
    assert code == 3
    assert json.loads(lines[0]) == {"id": "a", "error": "unreadable row"}, lines
    assert json.loads(lines[1]) == {"id": "a", "skipped": True}, lines


def test_refused():
    for opts in REFUSED:
        code, lines, messages = data.run(line(opts={**GOOD["opts"], **opts}) + "\n", HEADERS)
        assert code == 0 and len(lines) == 1, (opts, code, messages)
        answer = json.loads(lines[0])
        assert answer["id"] == "a" and ("error" in answer or "devices" in answer), (opts, answer)


def test_results_do_not_matter():
    plain = data.run(line() + "\n", HEADERS)
    wrong = data.run(line(devices={"CUDA0": "none"}, n_ctx=-5, rc=9, error="no", layer_devices=7) + "\n", HEADERS)
    assert plain == wrong


def test_usage():
    import subprocess
    for arguments in ([], ["--eval", "x"], ["--headers", "x"], ["--eval", "/no/such/file", "--headers", "."], ["--what"]):
        done = subprocess.run([data.COMMAND, "plan", *arguments], capture_output=True, timeout=60)
        assert done.returncode == 3 and done.stdout == b"", arguments


def test_mutations():
    source = (data.DATA / "vram" / "truth.jsonl").read_bytes().splitlines()
    generator = random.Random(11)
    changed = []
    for _ in range(400):
        row = bytearray(generator.choice(source)[:700])
        for _ in range(generator.randint(1, 4)):
            row[generator.randrange(len(row))] = generator.choice(b'0123456789"{}[],:-.eE\\ \x00\xff')
        changed.append(bytes(row).replace(b"\n", b" "))
    code, lines, _ = data.run(b"\n".join(changed) + b"\n", HEADERS)
    assert code in (0, 3), code
    assert len(lines) == len(changed), (len(lines), len(changed))
    for answer in lines:
        json.loads(answer)


def main():
    for name, test in sorted(globals().items()):
        if name.startswith("test_"):
            test()
            print(name)


if __name__ == "__main__":
    main()
