/* Checks the shape of an inventory by the table of schema.h: keys, types, ranges, words, forms.
 * What refers to something else is checked by freeze.h. */
#ifndef HL_INVENTORY_VALIDATE_H
#define HL_INVENTORY_VALIDATE_H

#include "inventory/report.h"
#include "inventory/schema.h"

void hl_inventory_validate(homelab_report *report, const struct hl_value *root);

#endif
