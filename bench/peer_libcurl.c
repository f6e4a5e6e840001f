/* The bare loop: libcurl's multi-socket interface as well as it can be used by hand. Many multi
 * handles, no DNS cache, handles and connections kept, messages read before handles are removed,
 * handles added in slices, and those that did not answer last time first. Bodies are counted, not
 * parsed. */
#include "bench.h"

#include <curl/curl.h>
#include <sys/epoll.h>
#include <unistd.h>

#define SHARD 250
#define SLICE 200

struct probe {
    CURL *easy;
    struct shard *shard;
    size_t received;
    bool failed;
};

struct shard {
    CURLM *multi;
    int64_t due_us; /* -1: none */
};

static struct bench bench;
static struct probe *probes;
static struct shard *shards;
static int shard_count, epoll_fd, ended, answered;

static size_t on_body(char *data, size_t size, size_t count, void *userdata)
{
    (void)data;
    ((struct probe *)userdata)->received += size * count;
    return size * count;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *known)
{
    (void)easy;
    struct shard *shard = userdata;
    struct epoll_event event = {.data.u64 = (uint64_t)(shard - shards) << 32 | (uint32_t)fd};
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, &event);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    epoll_ctl(epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
    if (!known)
        curl_multi_assign(shard->multi, fd, shard);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *userdata)
{
    (void)multi;
    ((struct shard *)userdata)->due_us = timeout_ms < 0 ? -1 : bench_now_us() + timeout_ms * 1000;
    return 0;
}

static void collect(struct shard *shard)
{
    CURL *done[SHARD];
    int count = 0, left;
    for (CURLMsg *message; count < SHARD && (message = curl_multi_info_read(shard->multi, &left));
         count++) {
        struct probe *probe;
        long status = 0;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &probe);
        curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        probe->failed = message->data.result != CURLE_OK || status != 200 ||
                        probe->received != sizeof BENCH_BODY - 1;
        answered += !probe->failed;
        ended++;
        done[count] = message->easy_handle;
    }
    for (int i = 0; i < count; i++)
        curl_multi_remove_handle(shard->multi, done[i]);
}

static void act(struct shard *shard, curl_socket_t fd, int events)
{
    int running;
    curl_multi_socket_action(shard->multi, fd, events, &running);
    collect(shard);
}

static int wait_ms(void)
{
    int64_t soonest = -1;
    for (int i = 0; i < shard_count; i++)
        if (shards[i].due_us >= 0 && (soonest < 0 || shards[i].due_us < soonest))
            soonest = shards[i].due_us;
    if (soonest < 0)
        return -1;
    int64_t left = soonest - bench_now_us();
    return left <= 0 ? 0 : (int)((left + 999) / 1000);
}

static void turn(int timeout_ms)
{
    struct epoll_event ready[256];
    int count = epoll_wait(epoll_fd, ready, 256, timeout_ms);
    for (int i = 0; i < count; i++) {
        int events = (ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? CURL_CSELECT_IN : 0) |
                     (ready[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
        act(&shards[ready[i].data.u64 >> 32], (int)(uint32_t)ready[i].data.u64, events);
    }
    int64_t now_us = bench_now_us();
    for (int i = 0; i < shard_count; i++) {
        if (shards[i].due_us >= 0 && shards[i].due_us <= now_us) {
            shards[i].due_us = -1;
            act(&shards[i], CURL_SOCKET_TIMEOUT, 0);
        }
    }
}

static void add(struct probe *probe)
{
    probe->received = 0;
    curl_multi_add_handle(probe->shard->multi, probe->easy);
}

static struct bench_sweep sweep(int *order)
{
    struct bench_sweep result = {.wall_us = bench_now_us(), .cpu_us = bench_cpu_us()};
    int front = 0, back = bench.count;
    for (int i = bench.count - 1; i >= 0; i--)
        if (!probes[i].failed)
            order[--back] = i;
    for (int i = 0; i < bench.count; i++)
        if (probes[i].failed)
            order[front++] = i;
    ended = answered = 0;
    for (int next = 0; ended < bench.count;) {
        for (int slice = 0; slice < SLICE && next < bench.count; slice++)
            add(&probes[order[next++]]);
        turn(next < bench.count ? 0 : wait_ms());
    }
    result.wall_us = bench_now_us() - result.wall_us;
    result.cpu_us = bench_cpu_us() - result.cpu_us;
    result.answered = answered;
    return result;
}

static void prepare(int i)
{
    char address[32], url[64];
    struct probe *probe = &probes[i];
    bench_address(i, address, sizeof address);
    snprintf(url, sizeof url, "http://%s:%d" BENCH_PATH, address, bench.port);
    probe->shard = &shards[i / SHARD];
    probe->easy = curl_easy_init();
    curl_easy_setopt(probe->easy, CURLOPT_PRIVATE, probe);
    curl_easy_setopt(probe->easy, CURLOPT_URL, url);
    curl_easy_setopt(probe->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(probe->easy, CURLOPT_WRITEDATA, probe);
    curl_easy_setopt(probe->easy, CURLOPT_TIMEOUT_MS, (long)bench.timeout_ms);
    curl_easy_setopt(probe->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(probe->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(probe->easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(probe->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(probe->easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
}

int main(int argument_count, char **arguments)
{
    bench = bench_arguments(argument_count, arguments);
    shard_count = (bench.count + SHARD - 1) / SHARD;
    shards = calloc((size_t)shard_count, sizeof *shards);
    probes = calloc((size_t)bench.count, sizeof *probes);
    int *order = calloc((size_t)bench.count, sizeof *order);
    struct bench_sweep *sweeps = calloc((size_t)bench.sweeps, sizeof *sweeps);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!shards || !probes || !order || !sweeps || epoll_fd < 0)
        return 1;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (int i = 0; i < shard_count; i++) {
        shards[i] = (struct shard){.multi = curl_multi_init(), .due_us = -1};
        curl_multi_setopt(shards[i].multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        curl_multi_setopt(shards[i].multi, CURLMOPT_SOCKETDATA, &shards[i]);
        curl_multi_setopt(shards[i].multi, CURLMOPT_TIMERFUNCTION, on_timer);
        curl_multi_setopt(shards[i].multi, CURLMOPT_TIMERDATA, &shards[i]);
        curl_multi_setopt(shards[i].multi, CURLMOPT_MAXCONNECTS, 2L * SHARD);
    }
    for (int i = 0; i < bench.count; i++)
        prepare(i);
    for (int i = 0; i < bench.sweeps; i++) {
        sweeps[i] = sweep(order);
        usleep(100000);
    }
    bench_report("libcurl-loop", &bench, sweeps);
    return 0;
}
