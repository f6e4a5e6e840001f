/* Makes the plain data of inventory.h from a tree: fills in variables, takes addresses apart,
 * connects what refers to each other, and reports what cannot be. */
#ifndef HL_INVENTORY_FREEZE_H
#define HL_INVENTORY_FREEZE_H

#include "inventory/index.h"
#include "inventory/inventory.h"
#include "inventory/report.h"

/* The tree may hold what validate.h has reported; such values are passed over, and the data is of
 * use only when the report stays empty. endpoints finds them by id and borrows from data. 0 or
 * HOMELAB_E_NOMEM; on both, hl_inventory_data_clear() and hl_index_free() are due. */
int hl_inventory_freeze(struct hl_inventory_data *data, struct hl_index *endpoints,
                        homelab_report *report, const struct hl_value *root);
void hl_inventory_data_clear(struct hl_inventory_data *data);

#endif
