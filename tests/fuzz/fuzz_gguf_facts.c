/* What a server tells of a model is taken or refused; what was taken is consistent. The first byte
 * says whose answer it is. */
#include "fuzz/fuzz.h"

#include <homelab/error.h>
#include <homelab/gguf.h>
#include <homelab/memory.h>

static void check(const homelab_gguf *gguf)
{
    int64_t total = 0;
    for (size_t i = 0; i < homelab_gguf_tensor_count(gguf); i++) {
        FUZZ_EXPECT(homelab_gguf_tensor_bytes(gguf, i) >= 0);
        FUZZ_EXPECT(homelab_gguf_tensor_find(gguf, homelab_gguf_tensor_name(gguf, i)) ==
                    (int64_t)i);
        total += homelab_gguf_tensor_bytes(gguf, i);
    }
    FUZZ_EXPECT(homelab_gguf_source(gguf) != HOMELAB_GGUF_SOURCE_OLLAMA ||
                homelab_gguf_tensor_total_bytes(gguf) == total);
    for (size_t i = 0; i < homelab_gguf_key_count(gguf); i++) {
        uint64_t length = homelab_gguf_key_length(gguf, i);
        (void)homelab_gguf_key_int(gguf, i, length ? (size_t)length - 1 : 0, 0);
        (void)homelab_gguf_key_double(gguf, i, 0, 0);
        FUZZ_EXPECT(homelab_gguf_key_find(gguf, homelab_gguf_key_name(gguf, i)) == (int64_t)i);
    }
    FUZZ_EXPECT(!homelab_gguf_is_certain(gguf));
    char *json = homelab_gguf_json(gguf);
    FUZZ_EXPECT(json);
    homelab_free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    homelab_gguf *gguf = NULL;
    if (!size)
        return 0;
    const char *json = (const char *)data + 1;
    int code = data[0] & 1 ? homelab_gguf_load_models(&gguf, json, size - 1, NULL, NULL)
                           : homelab_gguf_load_show(&gguf, json, size - 1, NULL);
    FUZZ_EXPECT((code == HOMELAB_OK) == (gguf != NULL));
    FUZZ_EXPECT(code == HOMELAB_OK || homelab_error_message()[0]);
    if (gguf)
        check(gguf);
    homelab_gguf_unref(gguf);
    return 0;
}
