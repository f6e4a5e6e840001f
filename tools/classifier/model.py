"""Training, quantisation and calibration of the linear model."""

import ctypes
import pathlib

import numpy

import features


STRENGTH = 20.0  # C of the regularisation: small means strong
PASSES = 12
CLIP = 9  # deviations beyond which a weight is cut, so that the others keep fine steps
PRIOR = {"vision": -0.5, "chat": 0.3}  # see docs/decisions/0061

_solver = features.compiled(pathlib.Path(__file__).with_name("solver.c"))


def _at(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def balanced(truth):
    """What each line counts, so that all classes count the same."""
    counts = numpy.bincount(truth, minlength=len(features.CLASSES))
    return len(truth) / (counts[truth] * len(features.CLASSES))


def train(matrix, labels):
    """Coefficients (classes x rows) and biases of a multinomial logistic regression with balanced classes."""
    truth = numpy.array([features.CLASSES.index(label) for label in labels])
    first, rows = matrix.indptr.astype(numpy.int64), matrix.indices.astype(numpy.int32)
    values = matrix.data.astype(numpy.float32)
    strengths = STRENGTH * balanced(truth)
    weights = numpy.zeros((matrix.shape[1], len(features.CLASSES)))
    bias = numpy.zeros(len(features.CLASSES))
    shares = numpy.eye(len(features.CLASSES))[truth]
    order = numpy.zeros(len(truth), numpy.uint32)
    _solver.solve(ctypes.c_size_t(len(truth)), _at(first), _at(rows), _at(values), _at(strengths), PASSES, _at(weights),
                  _at(bias), _at(shares), _at(order))
    return weights.T, bias - bias.mean() + [PRIOR.get(name, 0) for name in features.CLASSES]


def quantise(coefficients):
    """int8 steps and the size of one step. The few weights beyond CLIP deviations are cut."""
    coefficients = coefficients - coefficients.mean(axis=0)
    touched = coefficients[:, numpy.abs(coefficients).sum(axis=0) > 0]
    step = min(numpy.abs(touched).max(), CLIP * touched.std()) / 127
    return numpy.clip(numpy.rint(coefficients / step), -127, 127).astype(numpy.int8), step


def fit(matrix, labels):
    """The quantised model: weights (classes x rows), bias, step."""
    coefficients, bias = train(matrix, labels)
    weights, step = quantise(coefficients)
    return weights, bias, step


def scores(matrix, coefficients, bias):
    return matrix @ numpy.asarray(coefficients, dtype=numpy.float32).T + bias


def probabilities(values):
    values = numpy.exp(values - values.max(axis=1, keepdims=True))
    return values / values.sum(axis=1, keepdims=True)


def write_c(path, weights, bias, step, comment):
    """weights.inc: plain C, a line of weights for some rows each."""
    with open(path, "w", encoding="ascii") as out:
        out.write(f"/* {comment} */\n")
        out.write(f"const double hl_weight_step = {step:.9g};\n")
        out.write("const double hl_weight_bias[HL_WEIGHT_CLASSES] = {"
                  + ", ".join(f"{value:.9g}" for value in bias) + "};\n")
        out.write("const int8_t hl_weights[HL_FEATURE_ROWS][HL_WEIGHT_CLASSES] = {\n")
        flat = weights.T
        for start in range(0, flat.shape[0], 16):
            out.write(",".join("{" + ",".join(map(str, row)) + "}" for row in flat[start:start + 16]) + ",\n")
        out.write("};\n")
