/* inventory.h - the inventory that names the simulated cluster's endpoints. */
#ifndef SIM_INVENTORY_H
#define SIM_INVENTORY_H

#include "cluster.h"

/* Writes JSON to a file in one step; false after complaining. */
bool sim_inventory_write(struct sim *sim, const struct sim_scenario *scenario, const char *path);
/* A text to a file, likewise. */
bool sim_write_file(const char *path, const char *text);

#endif
