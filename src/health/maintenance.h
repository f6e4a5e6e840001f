/* Planned maintenance: windows of wall-clock time that cover endpoints. */
#ifndef HL_HEALTH_MAINTENANCE_H
#define HL_HEALTH_MAINTENANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HL_MAINTENANCE_MAX 64

struct hl_window {
    char *subject; /* id of an endpoint or node, or name of a tier */
    int64_t from_us, until_us;
};
struct hl_maintenance {
    struct hl_window windows[HL_MAINTENANCE_MAX];
    size_t count;
};

/* Drops what is over at wall_us, then adds. 0, HOMELAB_E_NOMEM or HOMELAB_E_LIMIT with a record. */
int hl_maintenance_add(struct hl_maintenance *maintenance, const char *subject, int64_t from_us,
                       int64_t until_us, int64_t wall_us);
/* Whether a window covers the endpoint with that id, node (or NULL) and tier now. */
bool hl_maintenance_covers(const struct hl_maintenance *maintenance, const char *id,
                           const char *node, const char *tier, int64_t wall_us);
bool hl_maintenance_names(const char *subject, const char *name); /* name may be NULL */
void hl_maintenance_clear(struct hl_maintenance *maintenance);

#endif
