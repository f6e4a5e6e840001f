/* Any body is read or refused, any text is classified, and the probabilities stay probabilities.
 * What a body that strict JSON accepts says is never refused. */
#include "core/json.h"
#include "fuzz/fuzz.h"
#include "route/classify.h"

#include <string.h>

static void check(const struct hl_class *is)
{
    double sum = 0;
    FUZZ_EXPECT(is->task >= 1 && is->task <= HOMELAB_TASK_COUNT);
    for (int task = 1; task <= HOMELAB_TASK_COUNT; task++) {
        FUZZ_EXPECT(is->probability[task] >= 0 && is->probability[task] <= 1);
        FUZZ_EXPECT(is->probability[task] <= is->probability[is->task]);
        sum += is->probability[task];
    }
    FUZZ_EXPECT(sum > 0.999 && sum < 1.001);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hl_class is;
    hl_class_of_text(&is, (const char *)data, size, 0);
    check(&is);
    struct hl_request request;
    bool read = hl_request_read(&request, (const char *)data, size, HL_REQUEST_UNKNOWN);
    if (read) {
        FUZZ_EXPECT(request.text_bytes <= size);
        hl_class_of_request(&is, &request, 0);
        check(&is);
    }
    cJSON *json = hl_json_parse((const char *)data, size, 64);
    FUZZ_EXPECT(!cJSON_IsObject(json) || read);
    cJSON_Delete(json);
    return 0;
}
