#include "inventory/index.h"

#include "core/alloc.h"
#include "core/error.h"

#include <stdlib.h>
#include <string.h>

int hl_index_init(struct hl_index *index, size_t count)
{
    index->count = 0;
    index->entries = hl_calloc(count ? count : 1, sizeof *index->entries);
    return index->entries ? HOMELAB_OK : hl_error_nomem();
}

void hl_index_free(struct hl_index *index)
{
    hl_free(index->entries);
    *index = (struct hl_index){NULL, 0};
}

void hl_index_add(struct hl_index *index, const char *text, size_t value)
{
    index->entries[index->count++] = (struct hl_index_entry){text, value};
}

static int compare(const void *a, const void *b)
{
    const struct hl_index_entry *one = a;
    const struct hl_index_entry *two = b;
    int order = strcmp(one->text, two->text);
    return order ? order : (one->value > two->value) - (one->value < two->value);
}

void hl_index_sort(struct hl_index *index)
{
    if (index->count)
        qsort(index->entries, index->count, sizeof *index->entries, compare);
}

bool hl_index_find(const struct hl_index *index, const char *text, size_t *value, bool *unique)
{
    size_t low = 0;
    size_t high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(index->entries[middle].text, text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == index->count || strcmp(index->entries[low].text, text) != 0)
        return false;
    *value = index->entries[low].value;
    if (unique)
        *unique = low + 1 == index->count || strcmp(index->entries[low + 1].text, text) != 0;
    return true;
}
