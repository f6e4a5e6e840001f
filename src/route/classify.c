#include "route/classify.h"

#include "route/weights.h"

#include <float.h>
#include <string.h>

/* Measured over several tokenizers these err on the high side for all but the densest code. */
#define ASCII_BYTES_PER_TOKEN 3.5
#define OTHER_BYTES_PER_TOKEN 2.5
#define TOKENS_PER_IMAGE      1024
#define TOKENS_PER_MESSAGE    4 /* what a chat template puts around each */
#define TOKENS_MAX            9007199254740992.0

static const int tasks[HL_WEIGHT_CLASSES] = {HOMELAB_TASK_CODE, HOMELAB_TASK_REASON,
                                             HOMELAB_TASK_CHAT, HOMELAB_TASK_FAST,
                                             HOMELAB_TASK_VISION};

/* --- Functions of libm, for want of which the library links without it --- */

/* e^x for x of 0 or less, to about 1e-9. */
static double exp_negative(double x)
{
    if (x < -60)
        return 0;
    double part = x / 1024, term = 1, sum = 1;
    for (int i = 1; i < 6; i++) {
        term *= part / i;
        sum += term;
    }
    for (int i = 0; i < 10; i++)
        sum *= sum;
    return sum;
}

/* By Newton's method from a power of two that is at most twice off. */
static double root(size_t n)
{
    double x = 1;
    for (size_t rest = n; rest > 3; rest /= 4)
        x *= 2;
    for (int i = 0; i < 5; i++)
        x = (x + (double)n / x) / 2;
    return x;
}

/* --- The text --- */

static void add_rows(int32_t sums[HL_WEIGHT_CLASSES], const uint16_t *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < HL_WEIGHT_CLASSES; c++)
            sums[c] += hl_weights[rows[i]][c];
}

static void by_text(struct hl_class *out, const unsigned char *text, size_t length)
{
    uint16_t rows[HL_FEATURES_MAX];
    int32_t sums[HL_WEIGHT_CLASSES] = {0};
    size_t count = hl_features(text, length, rows);
    add_rows(sums, rows, count);
    double scores[HL_WEIGHT_CLASSES], scale = hl_weight_step / root(count ? count : 1);
    double best = -DBL_MAX, total = 0;
    for (size_t c = 0; c < HL_WEIGHT_CLASSES; c++) {
        scores[c] = hl_weight_bias[c] + scale * sums[c];
        if (scores[c] > best) {
            best = scores[c];
            out->task = tasks[c];
        }
    }
    for (size_t c = 0; c < HL_WEIGHT_CLASSES; c++) {
        scores[c] = exp_negative(scores[c] - best);
        total += scores[c];
    }
    for (size_t c = 0; c < HL_WEIGHT_CLASSES; c++)
        out->probability[tasks[c]] = scores[c] / total;
    out->by = HL_BY_TEXT;
}

/* --- Tokens --- */

static uint64_t text_tokens(const unsigned char *sample, size_t length, uint64_t total)
{
    size_t other = 0;
    for (size_t i = 0; i < length; i++)
        other += sample[i] >> 7;
    double share = length ? (double)other / (double)length : 0;
    double bytes = (double)total;
    double tokens = bytes * (1 - share) / ASCII_BYTES_PER_TOKEN;
    tokens += bytes * share / OTHER_BYTES_PER_TOKEN;
    return (uint64_t)(tokens < TOKENS_MAX ? tokens : TOKENS_MAX) + (total != 0);
}

/* --- Flags first, then the text --- */

static void decide(struct hl_class *out, uint32_t needs, const unsigned char *text, size_t length)
{
    out->needs = needs;
    if (needs & HOMELAB_NEED_EMBEDDING) {
        out->task = HOMELAB_TASK_EMBED;
        out->by = HL_BY_EMBEDDING;
    } else if (needs & HOMELAB_NEED_VISION) {
        out->task = HOMELAB_TASK_VISION;
        out->by = HL_BY_IMAGE;
    } else {
        by_text(out, text, length);
        return;
    }
    out->probability[out->task] = 1;
}

void hl_class_of_text(struct hl_class *out, const char *text, size_t length, uint32_t needs)
{
    unsigned char bytes[HL_SAMPLE_MAX];
    size_t head = length < HL_SAMPLE_MAX ? length : HL_SAMPLE_HEAD;
    size_t tail = length < HL_SAMPLE_MAX ? 0 : HL_SAMPLE_TAIL;
    if (head)
        memcpy(bytes, text, head);
    if (tail)
        memcpy(bytes + head, text + length - tail, tail);
    *out = (struct hl_class){0};
    decide(out, needs, bytes, head + tail);
    out->prompt_tokens = text_tokens(bytes, head + tail, length) + TOKENS_PER_MESSAGE;
    if (needs & HOMELAB_NEED_VISION)
        out->prompt_tokens += TOKENS_PER_IMAGE;
}

void hl_class_of_request(struct hl_class *out, const struct hl_request *request, uint32_t needs)
{
    unsigned char bytes[HL_SAMPLE_MAX];
    size_t length = hl_sample_text(&request->text, bytes);
    uint64_t images = request->images;
    needs |= request->needs;
    if ((needs & HOMELAB_NEED_VISION) && !images)
        images = 1;
    *out = (struct hl_class){0};
    decide(out, needs, bytes, length);
    out->prompt_tokens = text_tokens(bytes, length, request->text_bytes + request->tool_bytes) +
                         images * TOKENS_PER_IMAGE + request->messages * TOKENS_PER_MESSAGE;
    out->answer_tokens = request->answer_tokens;
}
