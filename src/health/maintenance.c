#include "health/maintenance.h"

#include "core/alloc.h"
#include "core/error.h"

#include <string.h>

static void drop_past(struct hl_maintenance *maintenance, int64_t wall_us)
{
    size_t kept = 0;
    for (size_t i = 0; i < maintenance->count; i++) {
        if (maintenance->windows[i].until_us <= wall_us)
            hl_free(maintenance->windows[i].subject);
        else
            maintenance->windows[kept++] = maintenance->windows[i];
    }
    maintenance->count = kept;
}

int hl_maintenance_add(struct hl_maintenance *maintenance, const char *subject, int64_t from_us,
                       int64_t until_us, int64_t wall_us)
{
    drop_past(maintenance, wall_us);
    if (maintenance->count == HL_MAINTENANCE_MAX)
        return hl_error_set(HOMELAB_E_LIMIT, 0, subject,
                            "maintenance of '%s': found %d windows, expected fewer", subject,
                            HL_MAINTENANCE_MAX);
    char *copy = hl_strdup(subject);
    if (!copy)
        return hl_error_nomem();
    maintenance->windows[maintenance->count++] = (struct hl_window){copy, from_us, until_us};
    return 0;
}

bool hl_maintenance_names(const char *subject, const char *name)
{
    return name && strcmp(subject, name) == 0;
}

bool hl_maintenance_covers(const struct hl_maintenance *maintenance, const char *id,
                           const char *node, const char *tier, int64_t wall_us)
{
    for (size_t i = 0; i < maintenance->count; i++) {
        const struct hl_window *window = &maintenance->windows[i];
        if (wall_us >= window->from_us && wall_us < window->until_us &&
            (hl_maintenance_names(window->subject, id) ||
             hl_maintenance_names(window->subject, node) ||
             hl_maintenance_names(window->subject, tier)))
            return true;
    }
    return false;
}

void hl_maintenance_clear(struct hl_maintenance *maintenance)
{
    for (size_t i = 0; i < maintenance->count; i++)
        hl_free(maintenance->windows[i].subject);
    maintenance->count = 0;
}
