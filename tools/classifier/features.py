"""The library's own feature code, called from Python, so that training and inference cannot differ."""

import ctypes
import os
import pathlib
import subprocess
import tempfile

import numpy
import scipy.sparse

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLASSES = ["code", "reason", "chat", "fast", "vision"]
ROWS = 1 << 16
HEAD, TAIL = 768, 256  # HL_SAMPLE_HEAD, HL_SAMPLE_TAIL
MAX = (HEAD + TAIL) * 7 + 16  # HL_FEATURES_MAX


def compiled(source):
    """A C file as a library to call."""
    with tempfile.TemporaryDirectory() as folder:
        library = pathlib.Path(folder) / "library.so"
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", "-D_GNU_SOURCE", f"-I{ROOT}/src",
                        f"-I{ROOT}/include", "-o", library, source, "-lm"], check=True)
        return ctypes.CDLL(str(library))


_library = compiled(ROOT / "src/route/features.c")
_library.hl_features.restype = ctypes.c_size_t
_out = (ctypes.c_uint16 * MAX)()


def window(data):
    """The bytes that the library reads of a prompt."""
    return data if len(data) < HEAD + TAIL else data[:HEAD] + data[-TAIL:]


def rows(text):
    """The rows of the weight table that a prompt touches."""
    data = window(text.encode("utf-8", "replace"))
    count = _library.hl_features(data, ctypes.c_size_t(len(data)), _out)
    return numpy.frombuffer(_out, dtype=numpy.uint16, count=count).astype(numpy.int32)


def matrix(texts):
    """One line a prompt, each of length 1."""
    lines = [rows(text) for text in texts]
    pointers = numpy.concatenate([[0], numpy.cumsum([len(line) for line in lines])])
    values = numpy.concatenate([numpy.full(len(line), 1 / numpy.sqrt(max(len(line), 1)), numpy.float32)
                                for line in lines])
    return scipy.sparse.csr_matrix((values, numpy.concatenate(lines), pointers), shape=(len(texts), ROWS))
