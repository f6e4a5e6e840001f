"""Training, quantisation and calibration of the linear model."""

import numpy
from sklearn.linear_model import LogisticRegression

import features


STRENGTH = 10.0  # C of the regularisation: small means strong
PRIOR = {"vision": -0.5, "chat": 0.15}  # see docs/decisions/0061


def train(matrix, labels):
    """Coefficients (classes x rows) and biases of a multinomial logistic regression with balanced classes."""
    model = LogisticRegression(C=STRENGTH, max_iter=100, class_weight="balanced")
    model.fit(matrix, numpy.asarray(labels))
    order = [list(model.classes_).index(name) for name in features.CLASSES]
    bias = model.intercept_[order] - model.intercept_.mean()
    return model.coef_[order], bias + [PRIOR.get(name, 0) for name in features.CLASSES]


def quantise(coefficients):
    """int8 steps and the size of one step. The few weights beyond six deviations are clipped."""
    coefficients = coefficients - coefficients.mean(axis=0)
    touched = coefficients[:, numpy.abs(coefficients).sum(axis=0) > 0]
    step = min(numpy.abs(touched).max(), 6 * touched.std()) / 127
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
