#!/usr/bin/env python3
"""Writes headers of models in Q4_K_M from their published configurations, as llama-quantize lays them out, cut where the
tensors begin and without vocabulary.

usage: make.py [--check]

With --check nothing is written; the exit code is 1 when a file beside this one is another. Those of llama-3.1-8b,
qwen2.5-7b and qwen2.5-32b were made with llama.cpp itself and come out the same to the byte; the others are made here."""
import pathlib
import struct
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
# Architecture, blocks, width, feed-forward width, heads, those of keys and values, vocabulary, trained context, base of the
# rotation.
MODELS = {
    "llama-3.1-8b": ("llama", 32, 4096, 14336, 32, 8, 128256, 131072, 500000.0),
    "llama-3.3-70b": ("llama", 80, 8192, 28672, 64, 8, 128256, 131072, 500000.0),
    "qwen2.5-7b": ("qwen2", 28, 3584, 18944, 28, 4, 152064, 32768, 1000000.0),
    "qwen2.5-14b": ("qwen2", 48, 5120, 13824, 40, 8, 152064, 32768, 1000000.0),
    "qwen2.5-32b": ("qwen2", 64, 5120, 27648, 40, 8, 152064, 32768, 1000000.0),
}
ALIGNMENT = 32
F32, Q4_K, Q5_K, Q6_K = 0, 12, 13, 14
ROW = {F32: (1, 4), Q4_K: (256, 144), Q5_K: (256, 176), Q6_K: (256, 210)}  # elements and bytes of a block
U32, FLOAT, TEXT = 4, 6, 8


def text(value):
    return struct.pack("<Q", len(value)) + value.encode()


def key(name, kind, value):
    body = text(value) if kind == TEXT else struct.pack("<f" if kind == FLOAT else "<I", value)
    return text(name) + struct.pack("<I", kind) + body


def more_bits(block, blocks):
    """use_more_bits() of llama.cpp, src/llama-quant.cpp."""
    return block < blocks // 8 or block >= 7 * blocks // 8 or (block - blocks // 8) % 3 == 2


def block_tensors(block, architecture, blocks, width, ff, heads, kv_heads):
    kv = width // heads * kv_heads
    better = more_bits(block, blocks)
    # Of 80 blocks it is a 70B, whose few heads of values get more bits.
    values = Q6_K if better else Q5_K if blocks == 80 else Q4_K
    tensors = {
        "attn_k.weight": ((width, kv), Q4_K), "attn_norm.weight": ((width,), F32),
        "attn_output.weight": ((width, width), Q4_K), "attn_q.weight": ((width, width), Q4_K),
        "attn_v.weight": ((width, kv), values), "ffn_down.weight": ((ff, width), Q6_K if better else Q4_K),
        "ffn_gate.weight": ((width, ff), Q4_K), "ffn_norm.weight": ((width,), F32), "ffn_up.weight": ((width, ff), Q4_K),
    }
    if architecture == "qwen2":
        tensors.update({"attn_q.bias": ((width,), F32), "attn_k.bias": ((kv,), F32), "attn_v.bias": ((kv,), F32)})
    return [(f"blk.{block}.{name}", *tensors[name]) for name in sorted(tensors)]


def header(name):
    architecture, blocks, width, ff, heads, kv_heads, vocabulary, context, base = MODELS[name]
    llama = architecture == "llama"
    keys = [("general.architecture", TEXT, architecture), ("general.name", TEXT, name), ("general.file_type", U32, 15),
            ("general.quantization_version", U32, 2), ("general.alignment", U32, ALIGNMENT)]
    keys += [(f"{architecture}.{what}", kind, value) for what, kind, value in (
        ("vocab_size", U32, vocabulary), ("context_length", U32, context), ("embedding_length", U32, width),
        ("block_count", U32, blocks), ("feed_forward_length", U32, ff), ("attention.head_count", U32, heads),
        ("attention.head_count_kv", U32, kv_heads), ("attention.layer_norm_rms_epsilon", FLOAT, 1e-5 if llama else 1e-6),
        ("rope.freq_base", FLOAT, base))]
    if llama:
        keys.append(("llama.rope.dimension_count", U32, width // heads))
    keys.append(("tokenizer.ggml.model", TEXT, "no_vocab"))
    tensors = [("output.weight", (width, vocabulary), Q6_K), ("output_norm.weight", (width,), F32)]
    if llama:
        tensors.append(("rope_freqs.weight", (width // heads // 2,), F32))
    tensors.append(("token_embd.weight", (width, vocabulary), Q4_K))
    for block in range(blocks):
        tensors += block_tensors(block, architecture, blocks, width, ff, heads, kv_heads)
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys)) + b"".join(key(*entry) for entry in keys)
    offset = 0
    for tensor, shape, kind in tensors:
        out += text(tensor) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)
        elements, size = ROW[kind]
        total = shape[0] // elements * size * (shape[1] if len(shape) > 1 else 1)
        offset += -(-total // ALIGNMENT) * ALIGNMENT
    return out + bytes(-len(out) % ALIGNMENT), offset


def main():
    wrong = 0
    for name in MODELS:
        path = FOLDER / f"{name}.Q4_K_M.hdr"
        data, _ = header(name)
        if path.exists() and path.read_bytes() == data:
            continue
        if sys.argv[1:] == ["--check"]:
            print(f"{path}: not what make.py makes", file=sys.stderr)
            wrong = 1
        else:
            path.write_bytes(data)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
