#include "health/mask.h"

#include "core/alloc.h"

#include <stdio.h>
#include <string.h>

/* A shorter text is no key, and stands in many places for other reasons. */
#define KEY_LEAST 6

static void overwrite(char *text, size_t length, const char *key, size_t key_length)
{
    char *at = memmem(text, length, key, key_length);
    while (at) {
        memset(at, '*', key_length);
        at += key_length;
        at = memmem(at, length - (size_t)(at - text), key, key_length);
    }
}

int hl_mask_answer(struct hl_mask *mask, const struct hl_http_result *result, const char *key,
                   struct hl_http_result *out)
{
    size_t key_length = key ? strlen(key) : 0;
    *out = *result;
    if (key_length < KEY_LEAST)
        return HOMELAB_OK;
    overwrite(out->detail, strlen(out->detail), key, key_length);
    if (result->location && strstr(result->location, key)) {
        snprintf(mask->location, sizeof mask->location, "a place that holds the key");
        out->location = mask->location;
    }
    if (!memmem(result->body, result->body_length, key, key_length))
        return HOMELAB_OK;
    hl_free(mask->body);
    mask->body = hl_malloc(result->body_length + 1);
    if (!mask->body)
        return HOMELAB_E_NOMEM;
    memcpy(mask->body, result->body, result->body_length);
    mask->body[result->body_length] = '\0';
    overwrite(mask->body, result->body_length, key, key_length);
    out->body = mask->body;
    return HOMELAB_OK;
}
