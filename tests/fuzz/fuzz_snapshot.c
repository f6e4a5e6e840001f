/* A snapshot text that is taken must write a text that is taken and writes the same again. */
#include "fuzz/fuzz.h"

#include <homelab/homelab.h>
#include <string.h>

static void read_all(const homelab_snapshot *snapshot)
{
    for (size_t i = 0; i <= homelab_snapshot_endpoint_count(snapshot); i++) {
        (void)homelab_snapshot_endpoint_text(snapshot, i);
        (void)homelab_snapshot_endpoint_percentile_us(snapshot, i, 90);
        for (size_t j = 0; j <= homelab_snapshot_evidence_count(snapshot, i); j++)
            (void)homelab_snapshot_evidence_text(snapshot, i, j);
        for (size_t j = 0; j <= homelab_snapshot_model_count(snapshot, i); j++)
            (void)homelab_snapshot_model_has(snapshot, i, j, "vision");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    homelab_snapshot *snapshot = NULL, *again = NULL, *less = NULL;
    int code = homelab_snapshot_parse(&snapshot, (const char *)data, size, NULL);
    FUZZ_EXPECT(homelab_error_code() == code);
    if (code)
        return 0;
    read_all(snapshot);
    char *first = homelab_snapshot_json(snapshot);
    FUZZ_EXPECT(first && homelab_snapshot_parse(&again, first, strlen(first), NULL) == 0);
    char *second = homelab_snapshot_json(again);
    FUZZ_EXPECT(second && strcmp(first, second) == 0);
    if (homelab_snapshot_endpoint_count(snapshot)) {
        code = homelab_snapshot_without(&less, snapshot, homelab_snapshot_endpoint_id(snapshot, 0));
        FUZZ_EXPECT(code == HOMELAB_OK || code == HOMELAB_E_NOT_FOUND);
    }
    char *text = homelab_snapshot_prometheus(snapshot);
    FUZZ_EXPECT(text);
    homelab_free(text);
    homelab_free(second);
    homelab_free(first);
    homelab_snapshot_unref(less);
    homelab_snapshot_unref(again);
    homelab_snapshot_unref(snapshot);
    return 0;
}
