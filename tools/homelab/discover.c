#include "cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* Where the known servers listen unless told otherwise. */
static const int well_known[] = {
    11434, /* Ollama */
    8080,  /* llama.cpp, llama-swap, LocalAI */
    4000,  /* LiteLLM */
    8000,  /* vLLM */
    1234,  /* LM Studio */
    5000,  /* TabbyAPI */
    30000, /* SGLang */
    13305, /* Lemonade */
    12434, /* Docker Model Runner */
};
#define WELL_KNOWN (sizeof well_known / sizeof *well_known)
#define PORTS_MAX  64
#define HOSTS_MAX  256

/* Time for one port; whoever answers slower can be written by hand. */
#define TIMEOUT_S 3.0

struct search {
    const char *hosts[HOSTS_MAX];
    size_t host_count;
    int ports[PORTS_MAX];
    size_t port_count;
};

/* --- What to look at --- */

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "::1") == 0;
}

static int add_candidate(homelab_builder *builder, const char *host, int port)
{
    char id[320], url[320];
    bool ipv6 = strchr(host, ':') != NULL;
    snprintf(id, sizeof id, "%s/%d", host, port);
    snprintf(url, sizeof url, ipv6 ? "http://[%s]:%d" : "http://%s:%d", host, port);
    if (homelab_builder_set_string(builder, "endpoints", id, "url", url) ||
        homelab_builder_set_string(builder, "endpoints", id, "tier",
                                   is_loopback(host) ? "local" : "remote") ||
        homelab_builder_set_number(builder, "endpoints", id, "timeout", TIMEOUT_S))
        return fail_library(url);
    return 0;
}

static int build_candidates(const struct search *search, homelab_inventory **out)
{
    homelab_builder *builder = NULL;
    if (homelab_builder_new(&builder, NULL, NULL))
        return fail_library("discover");
    int code = 0;
    for (size_t i = 0; i < search->host_count && !code; i++)
        for (size_t j = 0; j < search->port_count && !code; j++)
            code = add_candidate(builder, search->hosts[i], search->ports[j]);
    if (!code && homelab_builder_build(builder, out))
        code = fail_library("discover");
    homelab_builder_free(builder);
    return code;
}

static int look(homelab_inventory *candidates, homelab_snapshot **out)
{
    homelab_ctx *ctx = NULL;
    homelab_prober *prober = NULL;
    int code = 0;
    if (homelab_ctx_new(&ctx, NULL) || homelab_prober_new(&prober, ctx, candidates, NULL) ||
        homelab_prober_check_now(prober, 600000) || homelab_prober_snapshot(prober, out))
        code = fail_library("discover");
    homelab_prober_unref(prober);
    homelab_ctx_unref(ctx);
    return code;
}

/* --- What was found --- */

/* A server of a known kind answers there, though perhaps not to us. */
static bool is_found(const homelab_snapshot *snapshot, size_t i)
{
    int verdict = homelab_snapshot_endpoint_verdict(snapshot, i);
    int backend = homelab_snapshot_endpoint_backend(snapshot, i);
    bool known = backend != HOMELAB_BACKEND_AUTO && backend != HOMELAB_BACKEND_HTTP &&
                 backend != HOMELAB_BACKEND_TCP;
    return verdict != HOMELAB_VERDICT_DOWN && verdict != HOMELAB_VERDICT_UNKNOWN && known;
}

static bool answers(const homelab_snapshot *snapshot, size_t i)
{
    int cause = homelab_snapshot_endpoint_cause(snapshot, i);
    return homelab_snapshot_endpoint_verdict(snapshot, i) != HOMELAB_VERDICT_DOWN ||
           cause == HOMELAB_CAUSE_TLS || cause == HOMELAB_CAUSE_SERVER_ERROR;
}

static void tell(const homelab_snapshot *snapshot, const homelab_inventory *candidates, size_t i)
{
    const char *url = homelab_inventory_endpoint_url(candidates, i);
    const char *text = homelab_snapshot_endpoint_text(snapshot, i);
    if (!is_found(snapshot, i) && answers(snapshot, i))
        fprintf(stderr, "%s: left out, no known server (%s)\n", url, text);
    else if (is_found(snapshot, i) &&
             homelab_snapshot_endpoint_cause(snapshot, i) == HOMELAB_CAUSE_AUTH)
        fprintf(stderr, "%s: wants a key, add api_key: env:NAME (%s)\n", url, text);
}

static void name_host(char *out, size_t size, const char *candidate)
{
    size_t length = (size_t)(strrchr(candidate, '/') - candidate);
    snprintf(out, size, "%.*s", (int)(length < size ? length : size - 1), candidate);
}

/* tier/backend for the first of its kind, tier/backend-2 for the next. */
static void name_endpoint(char *out, size_t size, const char *tier, const char *backend,
                          const homelab_snapshot *snapshot, size_t upto, const char *const *tiers)
{
    int before = 0;
    for (size_t i = 0; i < upto; i++)
        before += tiers[i] && strcmp(tiers[i], tier) == 0 &&
                  strcmp(homelab_backend_name(homelab_snapshot_endpoint_backend(snapshot, i)),
                         backend) == 0;
    if (before)
        snprintf(out, size, "%s/%s-%d", tier, backend, before + 1);
    else
        snprintf(out, size, "%s/%s", tier, backend);
}

static int add_found(homelab_builder *builder, const homelab_snapshot *snapshot,
                     const homelab_inventory *candidates, size_t i, const char **tiers)
{
    char host[256], id[96];
    const char *backend = homelab_backend_name(homelab_snapshot_endpoint_backend(snapshot, i));
    bool gateway = homelab_snapshot_endpoint_backend(snapshot, i) == HOMELAB_BACKEND_LITELLM;
    tiers[i] = gateway ? "gateway" : homelab_inventory_endpoint_tier(candidates, i);
    name_host(host, sizeof host, homelab_snapshot_endpoint_id(snapshot, i));
    name_endpoint(id, sizeof id, tiers[i], backend, snapshot, i, tiers);
    if (homelab_builder_set_string(builder, "nodes", host, "host", host) ||
        homelab_builder_set_string(builder, "endpoints", id, "url",
                                   homelab_inventory_endpoint_url(candidates, i)) ||
        homelab_builder_set_string(builder, "endpoints", id, "tier", tiers[i]) ||
        homelab_builder_set_string(builder, "endpoints", id, "node", host) ||
        homelab_builder_set_string(builder, "endpoints", id, "backend", backend))
        return fail_library(id);
    return 0;
}

static int build_found(const homelab_snapshot *snapshot, const homelab_inventory *candidates,
                       homelab_inventory **out)
{
    size_t count = homelab_snapshot_endpoint_count(snapshot), found = 0;
    const char **tiers = calloc(count + 1, sizeof *tiers);
    homelab_builder *builder = NULL;
    if (!tiers || homelab_builder_new(&builder, NULL, NULL)) {
        free(tiers);
        return fail("out of memory");
    }
    int code = 0;
    for (size_t i = 0; i < count && !code; i++) {
        tell(snapshot, candidates, i);
        if (!is_found(snapshot, i))
            continue;
        found++;
        code = add_found(builder, snapshot, candidates, i, tiers);
    }
    if (!code && !found)
        code = fail("nothing was found");
    if (!code && homelab_builder_build(builder, out))
        code = fail_library("discover");
    homelab_builder_free(builder);
    free(tiers);
    return code;
}

static int put_inventory(const homelab_inventory *inventory, int format)
{
    char *text = homelab_inventory_write(inventory, format);
    int code = text ? put_document(text) : fail_library("discover");
    homelab_free(text);
    return code;
}

static int discover(const struct search *search, int format)
{
    homelab_inventory *candidates = NULL, *found = NULL;
    homelab_snapshot *snapshot = NULL;
    int code = build_candidates(search, &candidates);
    if (!code)
        code = look(candidates, &snapshot);
    if (!code)
        code = build_found(snapshot, candidates, &found);
    if (!code)
        code = put_inventory(found, format);
    homelab_inventory_unref(found);
    homelab_snapshot_unref(snapshot);
    homelab_inventory_unref(candidates);
    return code;
}

/* --- Arguments --- */

static int set_ports(struct search *search, const char *text)
{
    search->port_count = 0;
    for (const char *at = text; *at;) {
        char *end;
        long port = strtol(at, &end, 10);
        if (end == at || (*end && *end != ',') || port < 1 || port > 65535)
            return fail("--ports %s: expected numbers from 1 to 65535, separated by commas", text);
        if (search->port_count == PORTS_MAX)
            return fail("--ports: at most %d", PORTS_MAX);
        search->ports[search->port_count++] = (int)port;
        at = end + (*end == ',');
    }
    return search->port_count ? 0 : fail("--ports: expected at least one port");
}

static int run_discover(const struct command *self, int argc, char **argv)
{
    static const struct option options[] = {{"ports", required_argument, NULL, 'p'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct search search = {.port_count = WELL_KNOWN};
    memcpy(search.ports, well_known, sizeof well_known);
    int option, format = HOMELAB_FORMAT_YAML;
    while ((option = getopt_long(argc, argv, "p:jh", options, NULL)) != -1) {
        if (option == 'p') {
            if (set_ports(&search, optarg))
                return CLI_ERROR;
        } else if (option == 'j') {
            format = HOMELAB_FORMAT_JSON;
        } else {
            return usage_end(self, option);
        }
    }
    if (argc - optind > HOSTS_MAX)
        return fail("discover: at most %d hosts", HOSTS_MAX);
    for (; optind < argc; optind++)
        search.hosts[search.host_count++] = argv[optind];
    if (!search.host_count)
        search.hosts[search.host_count++] = "localhost";
    return discover(&search, format);
}

const struct command command_discover = {
    "discover", "Finds servers on hosts and writes an inventory to edit.",
    "[OPTION…] [HOST…]\n\n"
    "Looks at the ports where known servers listen, on localhost unless hosts are given.\n\n"
    "  -p, --ports PORT,…  these ports instead\n"
    "  -j, --json          JSON instead of YAML\n\n"
    "Exit status: 0, or 3 for an error and when nothing was found.\n",
    run_discover};
