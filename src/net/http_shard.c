/* Multi handles. libcurl walks a multi handle's whole connection cache after each transfer, so the
 * connections are spread over many; docs/decisions/0020-libcurl.md has the figures. */
#include "net/http_private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHARD_ORIGINS 128
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

struct hl_shard *hl_shard_with_room(struct hl_http *http)
{
    for (size_t i = http->shard_count; i-- > 0;)
        if (http->shards[i]->origins < SHARD_ORIGINS)
            return http->shards[i];
    return make_shard(http);
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

void hl_shard_trim(struct hl_http *http)
{
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
}
