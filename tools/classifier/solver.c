/* Multinomial logistic regression with an L2 penalty, by dual coordinate ascent (Shalev-Shwartz and
 * Zhang 2013). Each line keeps its probabilities q; the weights are always the sum over the lines
 * of strength * features * (target - q), and at the optimum q is what the weights say of the line.
 * A dozen passes reach the optimum where a quasi-Newton method takes a hundred. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define CLASSES 5
#define ROUNDS  40

struct lines {
    const int64_t *first; /* of each line in rows and values, and one past the last */
    const int32_t *rows;
    const float *values;
};

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 16;
}

static void shuffle(uint32_t *order, size_t count, uint64_t *state)
{
    for (size_t i = count - 1; i > 0; i--) {
        size_t j = draw(state) % (i + 1);
        uint32_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

/* log q of log q + step * q = level, by Newton's method from a point that is not far off. */
static double log_share(double start, double step, double level)
{
    double u = start;
    for (int round = 0; round < ROUNDS; round++) {
        double part = step * exp(u);
        double move = (u + part - level) / (1 + part);
        u = fmin(u - move, 0.7);
        if (fabs(move) < 1e-7)
            break;
    }
    return u;
}

/* The q that sums to 1 and is the softmax of scores - step * q. */
static void best_shares(double q[CLASSES], const double scores[CLASSES], double step)
{
    double top = scores[0], sum = 0;
    for (int k = 1; k < CLASSES; k++)
        top = fmax(top, scores[k]);
    for (int k = 0; k < CLASSES; k++)
        sum += exp(scores[k] - top - step * q[k]);
    double level = top + log(sum);
    for (int round = 0; round < ROUNDS; round++) {
        double total = 0, slope = 0;
        for (int k = 0; k < CLASSES; k++) {
            q[k] = exp(log_share(log(fmax(q[k], 1e-12)), step, scores[k] - level));
            total += q[k];
            slope += q[k] / (1 + step * q[k]);
        }
        /* Newton's method, in logarithms from below 1, where a step would go too far else. */
        level += (total < 1 ? log(total) * total : total - 1) / slope;
        if (fabs(total - 1) < 1e-7)
            break;
    }
}

static void improve(const struct lines *lines, size_t line, double strength, double q[CLASSES],
                    double *weights, double bias[CLASSES])
{
    double scores[CLASSES], change[CLASSES], square = 1; /* the bias counts as a feature of 1 */
    for (int k = 0; k < CLASSES; k++)
        scores[k] = bias[k];
    for (int64_t at = lines->first[line]; at < lines->first[line + 1]; at++) {
        double value = lines->values[at];
        square += value * value;
        for (int k = 0; k < CLASSES; k++)
            scores[k] += value * weights[CLASSES * lines->rows[at] + k];
    }
    double step = strength * square;
    for (int k = 0; k < CLASSES; k++) {
        change[k] = q[k];
        scores[k] += step * q[k];
    }
    best_shares(q, scores, step);
    for (int k = 0; k < CLASSES; k++) {
        change[k] = strength * (change[k] - q[k]);
        bias[k] += change[k];
    }
    for (int64_t at = lines->first[line]; at < lines->first[line + 1]; at++)
        for (int k = 0; k < CLASSES; k++)
            weights[CLASSES * lines->rows[at] + k] += lines->values[at] * change[k];
}

/* weights: rows x CLASSES, zero; bias: zero; q: count x CLASSES, 1 for each line's class and else
 * 0; order: count numbers of space. */
void solve(size_t count, const int64_t *first, const int32_t *rows, const float *values,
           const double *strengths, int passes, double *weights, double *bias, double *q,
           uint32_t *order)
{
    const struct lines lines = {first, rows, values};
    uint64_t state = 0x9E3779B97F4A7C15u;
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    for (int pass = 0; pass < passes; pass++) {
        shuffle(order, count, &state);
        for (size_t i = 0; i < count; i++)
            improve(&lines, order[i], strengths[order[i]], q + CLASSES * order[i], weights, bias);
    }
}
