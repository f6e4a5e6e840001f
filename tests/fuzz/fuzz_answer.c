/* An answer in pieces, as a stream of either dialect and as one document; and a body whose model is
 * replaced, which stays a body. The first byte says how. */
#include "core/buf.h"
#include "fuzz/fuzz.h"
#include "route/answer.h"
#include "route/splice.h"

#include <homelab/error.h>
#include <string.h>

static int count_text(const char *text, size_t length, void *userdata)
{
    FUZZ_EXPECT(strlen(text) == length);
    *(size_t *)userdata += length;
    return 0;
}

static size_t feed(const char *data, size_t size, bool ollama, bool streamed, size_t step)
{
    struct hl_answer answer;
    size_t heard = 0;
    int code = 0;
    hl_answer_init(&answer, ollama, streamed, 1 << 16, 32, count_text, &heard);
    for (size_t at = 0; at < size && !code; at += step)
        code = hl_answer_feed(&answer, data + at, size - at < step ? size - at : step);
    if (!code)
        hl_answer_end(&answer);
    hl_answer_clear(&answer);
    return heard;
}

static void splice(const char *body, size_t size)
{
    struct hl_body_shape shape, again;
    struct hl_buf out;
    if (hl_body_shape(&shape, body, size) != HOMELAB_OK)
        return;
    hl_buf_init(&out, 8 * size + 4096);
    hl_body_splice(&out, &shape, body, size, "m\"\\");
    FUZZ_EXPECT(!out.failed);
    FUZZ_EXPECT(hl_body_shape(&again, out.data, out.length) == HOMELAB_OK);
    FUZZ_EXPECT(again.named);
    FUZZ_EXPECT(again.streamed == shape.streamed);
    hl_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    bool ollama = data[0] & 1, streamed = data[0] & 2;
    /* Pieces change nothing. */
    size_t whole = feed(text, size - 1, ollama, streamed, size);
    FUZZ_EXPECT(whole == feed(text, size - 1, ollama, streamed, 1 + data[0] / 4));
    splice(text, size - 1);
    return 0;
}
