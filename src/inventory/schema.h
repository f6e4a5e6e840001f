/* The one table of an inventory's keys. It feeds the validator, the order of writing, the nearest
 * known key, schema/inventory.schema.json and the key tables of docs/inventory.md. */
#ifndef HL_INVENTORY_SCHEMA_H
#define HL_INVENTORY_SCHEMA_H

#include "core/value.h"

enum hl_schema_kind {
    HL_KIND_TEXT,
    HL_KIND_NUMBER,
    HL_KIND_INTEGER,
    HL_KIND_BOOL,
    HL_KIND_WORD,    /* one of words */
    HL_KIND_ADDRESS, /* URL; may hold ${NAME} */
    HL_KIND_HOST,    /* name or IP address; may hold ${NAME} */
    HL_KIND_MAC,
    HL_KIND_SECRET, /* a reference, never the secret */
    HL_KIND_ID,     /* of another item */
    HL_KIND_TEXTS,  /* lists */
    HL_KIND_WORDS,
    HL_KIND_IDS,
    HL_KIND_OBJECT,  /* a mapping with keys */
    HL_KIND_OBJECTS, /* a list of them */
    HL_KIND_ITEMS,   /* a mapping from ids to them */
};

enum hl_id_rule {
    HL_ID_ITEM,      /* 1 to 128 bytes without white space, commas, quotes, control characters */
    HL_ID_TIER,      /* letters, digits, '.', '_', '-'; case does not matter */
    HL_ID_CONTAINER, /* as Docker has it */
    HL_ID_MODEL,     /* as its backend has it: anything without control characters */
};

struct hl_schema_key {
    const char *name;
    enum hl_schema_kind kind;
    bool required;
    double min, max; /* of numbers and integers */
    const char *const *words;
    const struct hl_schema_key *keys; /* of objects; ends with a nameless one */
    enum hl_id_rule id_rule;          /* of HL_KIND_ITEMS */
    const char *fallback;             /* what holds when it is not there, for the reference page */
    const char *example;              /* as JSON */
    const char *text;
};

/* The document itself, an object. */
extern const struct hl_schema_key hl_schema_document;

/* Index of the key, or HL_SCHEMA_UNKNOWN. */
#define HL_SCHEMA_UNKNOWN ((size_t)-1)
size_t hl_schema_find(const struct hl_schema_key *keys, const char *name);
size_t hl_schema_count(const struct hl_schema_key *keys);
size_t hl_schema_word_count(const char *const *words);
/* What a value of this key must be, such as "a whole number from 1 to 65535". */
void hl_schema_expected(struct hl_buf *buf, const struct hl_schema_key *key);
const char *hl_schema_id_expected(enum hl_id_rule rule);
bool hl_schema_id_valid(enum hl_id_rule rule, const char *id);
/* Puts the keys of each object into the order of the table; ids keep theirs. */
void hl_schema_sort(struct hl_value *value, const struct hl_schema_key *key);

#endif
