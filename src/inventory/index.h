/* Finds texts in a sorted index, so that ten thousand references are no matter. */
#ifndef HL_INVENTORY_INDEX_H
#define HL_INVENTORY_INDEX_H

#include <stdbool.h>
#include <stddef.h>

struct hl_index_entry {
    const char *text;
    size_t value;
};

struct hl_index {
    struct hl_index_entry *entries;
    size_t count;
};

/* Room for count entries; 0 or HOMELAB_E_NOMEM. */
int hl_index_init(struct hl_index *index, size_t count);
void hl_index_free(struct hl_index *index);
/* Texts are borrowed. Never more than there is room for. */
void hl_index_add(struct hl_index *index, const char *text, size_t value);
void hl_index_sort(struct hl_index *index);
/* Whether the text is there; *value is that of the first of equal texts, *unique whether it is the
 * only one (may be NULL). */
bool hl_index_find(const struct hl_index *index, const char *text, size_t *value, bool *unique);

#endif
