/* Shared by the files of freezing. */
#ifndef HL_INVENTORY_FREEZE_PRIVATE_H
#define HL_INVENTORY_FREEZE_PRIVATE_H

#include "inventory/freeze.h"

#define HL_MAX_TIERS 64

#define GIB 1073741824.0

struct hl_freeze {
    struct hl_inventory_data *data;
    homelab_report *report;
    const struct hl_value *root;
    struct hl_index nodes;      /* by id */
    struct hl_index hosts;      /* nodes by normalized host */
    struct hl_index *endpoints; /* by id */
    bool tiers_declared;
    bool nomem;
};

/* A section, or NULL when it is absent or no mapping. */
const struct hl_value *hl_freeze_section(const struct hl_freeze *freeze, const char *name);
/* A key of that type; NULL when it is absent or of another. */
const struct hl_value *hl_freeze_key(const struct hl_value *map, const char *key,
                                     enum hl_value_type type);
/* Copies a text or leaves NULL; numbers are multiplied by unit; other where absent. */
void hl_freeze_text(struct hl_freeze *freeze, char **out, const struct hl_value *map,
                    const char *key);
int64_t hl_freeze_number(const struct hl_value *map, const char *key, double unit, int64_t other);
bool hl_freeze_bool(const struct hl_value *map, const char *key, bool other);
void hl_freeze_copy(struct hl_freeze *freeze, char **out, const char *text);
void *hl_freeze_array(struct hl_freeze *freeze, size_t count, size_t size);
/* The text with variables filled in, or NULL when that was reported. */
char *hl_freeze_expand(struct hl_freeze *freeze, const struct hl_value *value, const char *section,
                       const char *id, const char *key);
/* Reports at value, whose path is section.id.KEY, or section.id.LIST[i] for an element (index not
 * HL_NONE, key that of the list), or at the item's id (key NULL). Takes the message. */
void hl_freeze_problem(struct hl_freeze *freeze, const struct hl_value *value, const char *section,
                       const char *id, const char *key, size_t index, struct hl_buf *message);
/* Index of the item that value names, or HL_NONE, reported: "expected one of the nodes". */
size_t hl_freeze_reference(struct hl_freeze *freeze, const struct hl_index *index,
                           const struct hl_value *value, const char *what, const char *section,
                           const char *id, const char *key, size_t at);

void hl_freeze_models(struct hl_freeze *freeze);
void hl_freeze_clear_model(struct hl_model *model);
void hl_freeze_tiers(struct hl_freeze *freeze);
/* Preferences and rules. */
void hl_freeze_routes(struct hl_freeze *freeze);
void hl_freeze_routes_clear(struct hl_inventory_data *data);
double hl_freeze_weight(const struct hl_value *map);
void hl_freeze_endpoints(struct hl_freeze *freeze);

#endif
