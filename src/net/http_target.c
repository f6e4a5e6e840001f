/* URLs and their origins, remembered. */
#include "net/http_private.h"

#include <string.h>

#define TRIM_INTERVAL_US (60 * INT64_C(1000000))
/* No connection is kept longer unused (option http.idle_ms is an hour at most). */
#define IDLE_US          (2 * 3600 * INT64_C(1000000))
#define COUNT_MAX        200000

static uint64_t hash_text(const char *text, size_t length)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    return hash ^ hash >> 32;
}

/* --- Origins --- */

static int reserve_origin(struct hl_targets *targets)
{
    if (targets->origin_count < targets->origin_bucket_count)
        return HOMELAB_OK;
    size_t count = targets->origin_bucket_count ? 2 * targets->origin_bucket_count : 64;
    struct hl_origin **buckets = hl_calloc(count, sizeof(struct hl_origin *));
    if (!buckets)
        return hl_error_nomem();
    for (size_t i = 0; i < targets->origin_bucket_count; i++) {
        for (struct hl_origin *next, *origin = targets->origin_buckets[i]; origin; origin = next) {
            next = origin->next;
            origin->next = buckets[origin->hash & (count - 1)];
            buckets[origin->hash & (count - 1)] = origin;
        }
    }
    hl_free(targets->origin_buckets);
    targets->origin_buckets = buckets;
    targets->origin_bucket_count = count;
    return HOMELAB_OK;
}

static size_t origin_length(const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    return (size_t)(host - url) + strcspn(host, "/?#");
}

static struct hl_origin *make_origin(struct hl_http *http, const char *key, size_t length,
                                     uint64_t hash)
{
    struct hl_targets *targets = &http->targets;
    if (reserve_origin(targets) != HOMELAB_OK)
        return NULL;
    struct hl_shard *shard = hl_shard_with_room(http);
    struct hl_origin *origin = shard ? hl_calloc(1, sizeof *origin + length + 1) : NULL;
    if (!origin) {
        hl_error_nomem();
        return NULL;
    }
    struct hl_origin **bucket = &targets->origin_buckets[hash & (targets->origin_bucket_count - 1)];
    origin->hash = hash;
    origin->shard = shard;
    memcpy(origin->key, key, length);
    origin->next = *bucket;
    *bucket = origin;
    targets->origin_count++;
    shard->origins++;
    return origin;
}

static struct hl_origin *origin_of(struct hl_http *http, const char *url, const char *unix_socket)
{
    const struct hl_targets *targets = &http->targets;
    const char *key = unix_socket ? unix_socket : url;
    size_t length = unix_socket ? strlen(unix_socket) : origin_length(url);
    uint64_t hash = hash_text(key, length);
    struct hl_origin *origin =
        targets->origin_count ? targets->origin_buckets[hash & (targets->origin_bucket_count - 1)]
                              : NULL;
    while (origin && (origin->hash != hash || strncmp(origin->key, key, length) != 0 ||
                      origin->key[length] != '\0'))
        origin = origin->next;
    return origin ? origin : make_origin(http, key, length, hash);
}

/* --- Targets --- */

static int reserve_target(struct hl_targets *targets)
{
    if (targets->count < targets->bucket_count)
        return HOMELAB_OK;
    size_t count = targets->bucket_count ? 2 * targets->bucket_count : 64;
    struct hl_target **buckets = hl_calloc(count, sizeof(struct hl_target *));
    if (!buckets)
        return hl_error_nomem();
    for (size_t i = 0; i < targets->bucket_count; i++) {
        for (struct hl_target *next, *target = targets->buckets[i]; target; target = next) {
            next = target->next;
            target->next = buckets[target->hash & (count - 1)];
            buckets[target->hash & (count - 1)] = target;
        }
    }
    hl_free(targets->buckets);
    targets->buckets = buckets;
    targets->bucket_count = count;
    return HOMELAB_OK;
}

static void free_target(struct hl_target *target)
{
    target->origin->targets--;
    curl_url_cleanup(target->parsed);
    hl_free(target);
}

static struct hl_target *make_target(struct hl_http *http, const char *url, size_t length,
                                     const char *unix_socket, uint64_t hash)
{
    struct hl_targets *targets = &http->targets;
    if (targets->count >= COUNT_MAX) {
        hl_error_set(HOMELAB_E_LIMIT, 0, "http", "http: more than %d URLs", COUNT_MAX);
        return NULL;
    }
    if (reserve_target(targets) != HOMELAB_OK)
        return NULL;
    struct hl_origin *origin = origin_of(http, url, unix_socket);
    struct hl_target *target = origin ? hl_calloc(1, sizeof *target + length + 1) : NULL;
    CURLU *parsed = target ? curl_url() : NULL;
    if (!parsed) {
        hl_free(target);
        hl_error_nomem();
        return NULL;
    }
    if (curl_url_set(parsed, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK)
        target->parsed = parsed;
    else
        curl_url_cleanup(parsed);
    struct hl_target **bucket = &targets->buckets[hash & (targets->bucket_count - 1)];
    target->hash = hash;
    target->origin = origin;
    memcpy(target->url, url, length);
    target->next = *bucket;
    *bucket = target;
    targets->count++;
    origin->targets++;
    return target;
}

/* The same URL may be asked of several unix sockets. */
static uint64_t hash_of(const char *url, size_t length, const char *unix_socket)
{
    uint64_t hash = hash_text(url, length);
    return unix_socket ? hash ^ 3 * hash_text(unix_socket, strlen(unix_socket)) : hash;
}

static bool same(const struct hl_target *target, const char *url, const char *unix_socket)
{
    return strcmp(target->url, url) == 0 &&
           (!unix_socket || strcmp(target->origin->key, unix_socket) == 0);
}

struct hl_target *hl_target_take(struct hl_http *http, const char *url, const char *unix_socket)
{
    const struct hl_targets *targets = &http->targets;
    size_t length = strlen(url);
    uint64_t hash = hash_of(url, length, unix_socket);
    struct hl_target *target =
        targets->count ? targets->buckets[hash & (targets->bucket_count - 1)] : NULL;
    while (target && (target->hash != hash || !same(target, url, unix_socket)))
        target = target->next;
    if (!target)
        target = make_target(http, url, length, unix_socket, hash);
    if (!target)
        return NULL;
    target->used_us = hl_loop_now(http->loop);
    target->transfers++;
    return target;
}

void hl_target_give(struct hl_target *target)
{
    if (target)
        target->transfers--;
}

static void trim_origins(struct hl_targets *targets)
{
    for (size_t i = 0; i < targets->origin_bucket_count; i++) {
        for (struct hl_origin **at = &targets->origin_buckets[i]; *at;) {
            struct hl_origin *origin = *at;
            if (origin->targets > 0) {
                at = &origin->next;
                continue;
            }
            *at = origin->next;
            origin->shard->origins--;
            targets->origin_count--;
            hl_free(origin);
        }
    }
}

static void trim_targets(struct hl_targets *targets, int64_t before_us)
{
    for (size_t i = 0; i < targets->bucket_count; i++) {
        for (struct hl_target **at = &targets->buckets[i]; *at;) {
            struct hl_target *target = *at;
            if (target->transfers > 0 || target->used_us >= before_us) {
                at = &target->next;
                continue;
            }
            *at = target->next;
            targets->count--;
            free_target(target);
        }
    }
}

void hl_target_trim(struct hl_http *http, int64_t now_us)
{
    struct hl_targets *targets = &http->targets;
    if (now_us - targets->trimmed_us < TRIM_INTERVAL_US)
        return;
    targets->trimmed_us = now_us;
    http->most_in_use = http->in_use;
    trim_targets(targets, now_us - IDLE_US);
    trim_origins(targets);
    hl_shard_trim(http);
}

void hl_target_free_all(struct hl_http *http)
{
    trim_targets(&http->targets, INT64_MAX);
    trim_origins(&http->targets);
    hl_free(http->targets.buckets);
    hl_free(http->targets.origin_buckets);
}
