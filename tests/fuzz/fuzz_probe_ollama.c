#include "probe_answers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return probe_fuzz(HOMELAB_BACKEND_OLLAMA, data, size);
}
