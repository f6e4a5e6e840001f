/* Multi handles. libcurl walks a multi handle's whole connection cache after each transfer, so the
 * connections are spread over many; docs/decisions/0020-libcurl.md has the figures. */
#include "net/http_private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHARD_ORIGINS    128
#define TRIM_INTERVAL_US (60 * INT64_C(1000000))
/* No connection outlives this when unused (option http.idle_ms is an hour at most). */
#define ORIGIN_IDLE_US   (2 * 3600 * INT64_C(1000000))

/* --- Origins --- */

static uint64_t hash_text(const char *text, size_t length)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    return hash;
}

static int reserve_origin(struct hl_origins *origins)
{
    if (origins->count < origins->bucket_count)
        return HOMELAB_OK;
    size_t count = origins->bucket_count ? 2 * origins->bucket_count : 64;
    struct hl_origin **buckets = hl_calloc(count, sizeof(struct hl_origin *));
    if (!buckets)
        return hl_error_nomem();
    for (size_t i = 0; i < origins->bucket_count; i++) {
        for (struct hl_origin *next, *origin = origins->buckets[i]; origin; origin = next) {
            next = origin->next;
            struct hl_origin **bucket = &buckets[origin->hash & (count - 1)];
            origin->next = *bucket;
            *bucket = origin;
        }
    }
    hl_free(origins->buckets);
    origins->buckets = buckets;
    origins->bucket_count = count;
    return HOMELAB_OK;
}

static struct hl_origin *find_origin(const struct hl_origins *origins, uint64_t hash,
                                     const char *key, size_t length)
{
    if (origins->count == 0)
        return NULL;
    struct hl_origin *origin = origins->buckets[hash & (origins->bucket_count - 1)];
    while (origin && (origin->hash != hash || strncmp(origin->key, key, length) != 0 ||
                      origin->key[length] != '\0'))
        origin = origin->next;
    return origin;
}

/* --- Making and freeing shards --- */

/* Descriptors from lowest on that are open, a bit each. */
static uint64_t open_fds(int lowest)
{
    uint64_t open = 0;
    for (int i = 0; i < 64; i++)
        if (fcntl(lowest + i, F_GETFD) >= 0)
            open |= UINT64_C(1) << i;
    return open;
}

static bool woken(int fd)
{
    int domain = 0, unread = 0, unsent = 0;
    socklen_t size = sizeof domain;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
           ioctl(fd, FIONREAD, &unread) == 0 && ioctl(fd, TIOCOUTQ, &unsent) == 0 &&
           (unread == 1 || unsent > 0);
}

/* libcurl 7.88 makes a socket pair per multi handle and lets programs that the host executes
 * inherit it. No function tells the descriptors, but a wake-up puts a byte into them. */
static CURLM *make_multi(void)
{
    int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (lowest >= 0)
        close(lowest);
    uint64_t before = lowest >= 0 ? open_fds(lowest) : UINT64_MAX;
    CURLM *multi = curl_multi_init();
    if (!multi || curl_multi_wakeup(multi) != CURLM_OK)
        return multi;
    for (int i = 0; i < 64; i++)
        if (!(before >> i & 1) && woken(lowest + i))
            fcntl(lowest + i, F_SETFD, FD_CLOEXEC);
    curl_multi_poll(multi, NULL, 0, 0, NULL);
    return multi;
}

static void set_timer(struct hl_shard *shard)
{
    struct hl_loop *loop = shard->http->loop;
    if (shard->due_us < 0)
        hl_timer_disarm(loop, &shard->timer);
    else if (!shard->timer.position || shard->timer.due_us != shard->due_us)
        hl_timer_arm(loop, &shard->timer, shard->due_us);
}

static int on_timer_change(CURLM *multi, long timeout_ms, void *userdata)
{
    (void)multi;
    struct hl_shard *shard = userdata;
    shard->due_us =
        timeout_ms < 0 ? -1 : hl_clock_now(hl_ctx_clock(shard->http->ctx)) + timeout_ms * 1000;
    if (!shard->driving)
        set_timer(shard);
    return 0;
}

static int on_socket_change(CURL *easy, curl_socket_t fd, int what, void *userdata, void *assigned)
{
    (void)assigned;
    struct hl_shard *shard = userdata;
    if (hl_socket_want(shard->http, shard, fd, what))
        return 0;
    /* To say so here would end all transfers of the shard. */
    struct hl_transfer *transfer = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    if (transfer) {
        transfer->stop = HL_STOP_NOMEM;
        hl_timer_arm(shard->http->loop, &transfer->timer, 0);
    }
    return 0;
}

static void on_timer(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    struct hl_shard *shard = userdata;
    shard->due_us = -1;
    hl_shard_drive(shard, CURL_SOCKET_TIMEOUT, 0);
    hl_http_settle(shard->http);
}

static void free_shard(struct hl_shard *shard)
{
    if (shard->multi) {
        shard->driving = true;
        curl_multi_cleanup(shard->multi);
        hl_timer_disarm(shard->http->loop, &shard->timer);
        hl_loop_release_timer(shard->http->loop);
    }
    hl_free(shard);
}

static struct hl_shard *make_shard(struct hl_http *http)
{
    if (hl_grow((void **)&http->shards, &http->shard_capacity, http->shard_count,
                sizeof(struct hl_shard *)) != HOMELAB_OK ||
        hl_loop_reserve_timer(http->loop) != HOMELAB_OK)
        return NULL;
    struct hl_shard *shard = hl_calloc(1, sizeof *shard);
    CURLM *multi = shard ? make_multi() : NULL;
    if (!multi) {
        hl_loop_release_timer(http->loop);
        hl_free(shard);
        return NULL;
    }
    shard->http = http;
    shard->multi = multi;
    shard->due_us = -1;
    hl_timer_init(&shard->timer, on_timer, shard);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket_change);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, shard);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, shard);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    /* No connection is closed to make room for another's: their number is that of the endpoints. */
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 1000000L);
    http->shards[http->shard_count++] = shard;
    return shard;
}

static struct hl_shard *shard_with_room(struct hl_http *http)
{
    for (size_t i = http->shard_count; i-- > 0;)
        if (http->shards[i]->origins < SHARD_ORIGINS)
            return http->shards[i];
    return make_shard(http);
}

static size_t origin_length(const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    return (size_t)(host - url) + strcspn(host, "/?#");
}

struct hl_shard *hl_shard_for(struct hl_http *http, const char *url, const char *unix_socket)
{
    const char *key = unix_socket ? unix_socket : url;
    size_t length = unix_socket ? strlen(unix_socket) : origin_length(url);
    uint64_t hash = hash_text(key, length);
    struct hl_origin *origin = find_origin(&http->origins, hash, key, length);
    if (!origin) {
        if (reserve_origin(&http->origins) != HOMELAB_OK)
            return NULL;
        struct hl_shard *shard = shard_with_room(http);
        origin = shard ? hl_calloc(1, sizeof *origin + length + 1) : NULL;
        if (!origin) {
            hl_error_nomem();
            return NULL;
        }
        struct hl_origin **bucket = &http->origins.buckets[hash & (http->origins.bucket_count - 1)];
        origin->next = *bucket;
        origin->shard = shard;
        origin->hash = hash;
        memcpy(origin->key, key, length);
        *bucket = origin;
        http->origins.count++;
        shard->origins++;
    }
    origin->used_us = hl_loop_now(http->loop);
    return origin->shard;
}

/* --- Work --- */

static void collect(struct hl_shard *shard)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(shard->multi, &left));) {
        struct hl_transfer *transfer = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        transfer->curl_code = message->data.result;
        hl_http_end(transfer);
    }
}

void hl_shard_drive(struct hl_shard *shard, curl_socket_t fd, int events)
{
    int running;
    shard->driving = true;
    curl_multi_socket_action(shard->multi, fd, events, &running);
    collect(shard);
    shard->driving = false;
    set_timer(shard);
}

int hl_shard_add(struct hl_shard *shard, struct hl_transfer *transfer)
{
    shard->driving = true;
    CURLMcode code = curl_multi_add_handle(shard->multi, transfer->easy);
    shard->driving = false;
    if (code != CURLM_OK)
        return hl_error_set(code == CURLM_OUT_OF_MEMORY ? HOMELAB_E_NOMEM : HOMELAB_E_SYSTEM, 0,
                            "http", "http: %s", curl_multi_strerror(code));
    transfer->shard = shard;
    shard->transfers++;
    hl_shard_drive(shard, CURL_SOCKET_TIMEOUT, 0);
    return HOMELAB_OK;
}

void hl_shard_take_out(struct hl_transfer *transfer)
{
    struct hl_shard *shard = transfer->shard;
    if (!shard)
        return;
    shard->driving = true;
    curl_multi_remove_handle(shard->multi, transfer->easy);
    shard->driving = false;
    set_timer(shard);
    shard->transfers--;
    transfer->shard = NULL;
}

void hl_shard_trim(struct hl_http *http, int64_t now_us)
{
    struct hl_origins *origins = &http->origins;
    if (now_us - origins->trimmed_us < TRIM_INTERVAL_US)
        return;
    origins->trimmed_us = now_us;
    for (size_t i = 0; i < origins->bucket_count; i++) {
        for (struct hl_origin **at = &origins->buckets[i]; *at;) {
            struct hl_origin *origin = *at;
            if (now_us - origin->used_us < ORIGIN_IDLE_US) {
                at = &origin->next;
                continue;
            }
            *at = origin->next;
            origin->shard->origins--;
            origins->count--;
            hl_free(origin);
        }
    }
    for (size_t i = http->shard_count; i-- > 0;) {
        struct hl_shard *shard = http->shards[i];
        if (shard->origins > 0 || shard->transfers > 0)
            continue;
        http->shards[i] = http->shards[--http->shard_count];
        free_shard(shard);
    }
}

void hl_shard_free_all(struct hl_http *http)
{
    while (http->shard_count > 0)
        free_shard(http->shards[--http->shard_count]);
    hl_free(http->shards);
    for (size_t i = 0; i < http->origins.bucket_count; i++) {
        for (struct hl_origin *next, *origin = http->origins.buckets[i]; origin; origin = next) {
            next = origin->next;
            hl_free(origin);
        }
    }
    hl_free(http->origins.buckets);
}
