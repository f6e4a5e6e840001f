/* From a text or tree to an inventory and a report. */
#ifndef HL_INVENTORY_LOAD_H
#define HL_INVENTORY_LOAD_H

#include "inventory/freeze.h"

#include <stdatomic.h>

struct homelab_inventory {
    atomic_uint references;
    homelab_allocator *allocator;
    struct hl_value *tree; /* in the order of schema.h, for writing and building */
    struct hl_inventory_data data;
    struct hl_index endpoints;
};

/* Checks a tree, which is taken, and makes the inventory when the report stays empty: *out is NULL
 * otherwise. 0 or HOMELAB_E_NOMEM. */
int hl_inventory_from_tree(homelab_inventory **out, homelab_report *report, struct hl_value *tree,
                           homelab_allocator *allocator);

#endif
