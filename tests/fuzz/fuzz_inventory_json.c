/* Inventories in JSON. */
#include "fuzz/inventory_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = size ? (const char *)data : "";
    check_reader(text, size, HOMELAB_FORMAT_JSON);
    check_inventory(text, size, HOMELAB_FORMAT_JSON);
    return 0;
}
