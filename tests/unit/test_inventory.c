#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/error.h"
#include "inventory/inventory.h"
#include "support/failmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static homelab_inventory *load_text(const char *text)
{
    homelab_inventory *inventory = NULL;
    if (homelab_inventory_load_text(&inventory, text, strlen(text), HOMELAB_FORMAT_AUTO, NULL,
                                    NULL))
        fail_msg("%s", homelab_error_message());
    return inventory;
}

static const char smallest_json[] =
    "{\"endpoints\": {\"local/ollama\": {\"url\": \"http://localhost:11434/api/tags\", \"tier\": "
    "\"LOCAL\"}, \"remote/mark-i\": {\"url\": \"http://REMOTE_IP:3009/v1/models\", \"tier\": "
    "\"REMOTE\", \"timeout\": 8}, \"gateway/litellm\": {\"url\": "
    "\"http://localhost:8080/health/liveliness\", \"tier\": \"GATEWAY\"}}}";
static const char smallest_yaml[] = "endpoints:\n"
                                    "  local/ollama:\n"
                                    "    url: http://localhost:11434/api/tags\n"
                                    "    tier: LOCAL\n"
                                    "  remote/mark-i:\n"
                                    "    url: http://REMOTE_IP:3009/v1/models\n"
                                    "    tier: REMOTE\n"
                                    "    timeout: 8\n"
                                    "  gateway/litellm:\n"
                                    "    url: http://localhost:8080/health/liveliness\n"
                                    "    tier: GATEWAY\n";

static void test_smallest(void **state)
{
    (void)state;
    for (int yaml = 0; yaml < 2; yaml++) {
        homelab_inventory *inventory = load_text(yaml ? smallest_yaml : smallest_json);
        assert_int_equal(homelab_inventory_tier_count(inventory), 3);
        assert_string_equal(homelab_inventory_tier_name(inventory, 0), "local");
        assert_string_equal(homelab_inventory_tier_name(inventory, 1), "remote");
        assert_string_equal(homelab_inventory_tier_name(inventory, 2), "gateway");
        assert_int_equal(homelab_inventory_endpoint_count(inventory), 3);
        assert_string_equal(homelab_inventory_endpoint_id(inventory, 0), "local/ollama");
        assert_string_equal(homelab_inventory_endpoint_tier(inventory, 0), "local");
        assert_null(homelab_inventory_endpoint_node(inventory, 0));
        assert_int_equal(homelab_inventory_endpoint_backend(inventory, 0), HOMELAB_BACKEND_OLLAMA);
        assert_int_equal(homelab_inventory_endpoint_backend(inventory, 1), HOMELAB_BACKEND_AUTO);
        assert_int_equal(homelab_inventory_endpoint_backend(inventory, 2), HOMELAB_BACKEND_LITELLM);
        assert_int_equal(homelab_inventory_endpoint_timeout_ms(inventory, 0), 5000);
        assert_int_equal(homelab_inventory_endpoint_timeout_ms(inventory, 1), 8000);
        const struct hl_endpoint *remote = &hl_inventory_data(inventory)->endpoints[1];
        assert_string_equal(remote->host, "remote_ip");
        assert_string_equal(remote->base, "http://remote_ip:3009");
        assert_string_equal(remote->path, "/v1/models");
        assert_int_equal(remote->port, 3009);
        assert_int_equal(remote->depth, HL_DEPTH_UNSET);
        assert_false(remote->backend_declared);
        assert_true(hl_inventory_data(inventory)->tiers[2].gateway);
        assert_false(hl_inventory_data(inventory)->tiers[0].gateway);
        homelab_inventory_unref(inventory);
    }
}

static const char full_yaml[] =
    "tiers:\n"
    "  Local:\n"
    "  cloud: {gateway: true}\n"
    "nodes:\n"
    "  gpu0:\n"
    "    host: GPU0.lan\n"
    "    os: linux\n"
    "    mac: AA-BB-CC-DD-EE-FF\n"
    "    ram_gib: 64\n"
    "    gpus:\n"
    "    - {name: RTX 4090, vendor: nvidia, memory_gib: 24, used_gib: 1.5, bandwidth_gbs: 1008}\n"
    "    - {memory_gib: 0.5}\n"
    "    ssh: {host: gpu0.lan, port: 2222, user: admin, key: k, known_hosts: h, password: "
    "'env:P'}\n"
    "    docker: {desktop: true, socket: /var/run/docker.sock}\n"
    "    rdp: {user: gamer, password: 'env:R', fingerprint: ab}\n"
    "  nas:\n"
    "    host: 'FE80::0001'\n"
    "endpoints:\n"
    "  a:\n"
    "    url: https://gpu0.LAN/base/?x=1\n"
    "    tier: LOCAL\n"
    "    backend: vllm\n"
    "    models: [m1, m2]\n"
    "    api_key: env:KEY\n"
    "    ca: /ca.pem\n"
    "    insecure: true\n"
    "    depth: canary\n"
    "    timeout: 0.25\n"
    "    interval: 10\n"
    "    fast_interval: 1.5\n"
    "    down_interval: 60\n"
    "    patience: 120\n"
    "  b: {url: 'tcp://[fe80::1]:22', tier: cloud}\n"
    "  c: {url: 'http://nowhere', tier: local, node: nas, backend: auto}\n"
    "containers:\n"
    "  one: {node: gpu0, image: 'i:1', port: 80, gpu: RTX 4090, start_order: 0, gate: a,\n"
    "        mounts: [{source: v, target: /m, read_only: true}, {source: w, target: /w}]}\n"
    "  two: {node: gpu0, gpu: '1'}\n"
    "  three: {node: nas, gpu: all}\n"
    "models:\n"
    "  m 1: {endpoints: [c, a], roles: [embed, code], capabilities: [embedding, tools],\n"
    "        context: 32768, file: f.gguf, size_gib: 4.5, weight: 2}\n"
    "  m2:\n"
    "routes:\n"
    "  code: [m2, m 1 @ c, 'x @ y @ a']\n"
    "  embed: [m 1]\n"
    "rules:\n"
    "  - {contains: 'SELECT ', ignore_case: true, task: code}\n"
    "  - {matches: '^why', tag: t, task: reason}\n";

static void check_full_nodes(const struct hl_inventory_data *data)
{
    const struct hl_node *gpu0 = &data->nodes[0];
    assert_int_equal(data->node_count, 2);
    assert_string_equal(gpu0->id, "gpu0");
    assert_string_equal(gpu0->host, "gpu0.lan");
    assert_string_equal(gpu0->os, "linux");
    assert_string_equal(gpu0->mac, "aa:bb:cc:dd:ee:ff");
    assert_int_equal(gpu0->ram_bytes, 64LL << 30);
    assert_int_equal(gpu0->gpu_count, 2);
    assert_string_equal(gpu0->gpus[0].name, "RTX 4090");
    assert_string_equal(gpu0->gpus[0].vendor, "nvidia");
    assert_int_equal(gpu0->gpus[0].memory_bytes, 24LL << 30);
    assert_int_equal(gpu0->gpus[0].used_bytes, 3LL << 29);
    assert_int_equal(gpu0->gpus[0].bandwidth_bytes, 1008000000000LL);
    assert_null(gpu0->gpus[1].name);
    assert_int_equal(gpu0->gpus[1].bandwidth_bytes, 0);
    assert_string_equal(data->nodes[1].host, "fe80::1");
}

static void check_full_endpoints(const struct hl_inventory_data *data)
{
    const struct hl_endpoint *a = &data->endpoints[0];
    assert_string_equal(a->base, "https://gpu0.lan:443");
    assert_string_equal(a->path, "/base/?x=1");
    assert_string_equal(a->url, "https://gpu0.LAN/base/?x=1");
    assert_int_equal(a->node, 0);
    assert_int_equal(a->tier, 0);
    assert_int_equal(a->backend, HOMELAB_BACKEND_VLLM);
    assert_true(a->backend_declared);
    assert_int_equal(a->model_count, 2);
    assert_string_equal(a->models[1], "m2");
    assert_string_equal(a->api_key, "env:KEY");
    assert_string_equal(a->ca_file, "/ca.pem");
    assert_true(a->insecure);
    assert_int_equal(a->depth, HL_DEPTH_CANARY);
    assert_int_equal(a->timeout_us, 250000);
    assert_int_equal(a->interval_us, 10000000);
    assert_int_equal(a->fast_interval_us, 1500000);
    assert_int_equal(a->down_interval_us, 60000000);
    assert_int_equal(a->patience_us, 120000000);
    assert_int_equal(data->endpoints[1].backend, HOMELAB_BACKEND_TCP);
    assert_int_equal(data->endpoints[1].node, 1);
    assert_int_equal(data->endpoints[1].port, 22);
    assert_int_equal(data->endpoints[2].node, 1);
    assert_int_equal(data->endpoints[2].port, 80);
    assert_false(data->endpoints[2].backend_declared);
}

static void check_full_routes(const struct hl_inventory_data *data)
{
    assert_int_equal(data->route_count[HL_CAP_CODE], 3);
    const struct hl_choice *code = data->routes[HL_CAP_CODE];
    assert_string_equal(code[0].model, "m2");
    assert_int_equal(code[0].endpoint, HL_NONE);
    assert_string_equal(code[1].model, "m 1");
    assert_int_equal(code[1].endpoint, 2);
    assert_string_equal(code[2].model, "x @ y");
    assert_int_equal(code[2].endpoint, 0);
    assert_int_equal(data->route_count[HL_CAP_CHAT], 0);
    assert_int_equal(data->rule_count, 2);
    assert_string_equal(data->rules[0].contains, "SELECT ");
    assert_true(data->rules[0].ignore_case);
    assert_null(data->rules[0].tag);
    assert_int_equal(data->rules[0].task, HL_CAP_CODE);
    assert_string_equal(data->rules[1].tag, "t");
    assert_true(hl_pattern_match(data->rules[1].matches, "why?", 4, 0));
}

static void check_full_rest(const struct hl_inventory_data *data)
{
    assert_int_equal(data->tier_count, 2);
    assert_string_equal(data->tiers[0].name, "local");
    assert_true(data->tiers[1].gateway);
    const struct hl_container *one = &data->containers[0];
    assert_int_equal(data->container_count, 3);
    assert_string_equal(one->name, "one");
    assert_string_equal(one->image, "i:1");
    assert_int_equal(one->gate, 0);
    assert_int_equal(one->start_order, 0);
    assert_int_equal(one->mount_count, 2);
    assert_true(one->mounts[0].read_only);
    assert_string_equal(one->mounts[1].target, "/w");
    assert_int_equal(data->containers[1].start_order, -1);
    assert_int_equal(data->containers[1].gate, HL_NONE);
    const struct hl_model *model = &data->models[0];
    assert_int_equal(data->model_count, 2);
    assert_string_equal(model->name, "m 1");
    assert_int_equal(model->roles, 1u << HL_CAP_EMBED | 1u << HL_CAP_CODE);
    assert_int_equal(model->abilities, HL_ABILITY_EMBEDDING | HL_ABILITY_TOOLS);
    assert_int_equal(model->context, 32768);
    assert_int_equal(model->size_bytes, 9LL << 29);
    assert_float_equal(model->weight, 2, 0);
    assert_float_equal(data->models[1].weight, 1, 0);
    check_full_routes(data);
    assert_int_equal(model->endpoint_count, 2);
    assert_int_equal(model->endpoints[0], 2);
    assert_string_equal(model->file, "f.gguf");
}

static void test_everything(void **state)
{
    (void)state;
    homelab_inventory *inventory = load_text(full_yaml);
    check_full_nodes(hl_inventory_data(inventory));
    check_full_endpoints(hl_inventory_data(inventory));
    check_full_rest(hl_inventory_data(inventory));
    assert_string_equal(homelab_inventory_container_node(inventory, 2), "nas");
    assert_int_equal(homelab_inventory_endpoint_find(inventory, "c"), 2);
    assert_int_equal(homelab_inventory_endpoint_find(inventory, "d"), HOMELAB_E_NOT_FOUND);
    assert_string_equal(homelab_error_message(), "endpoint 'd': not in the inventory");
    homelab_inventory_unref(inventory);
}

/* Writing and reading again changes nothing, in either format, and writing is in a fixed order. */
static void test_round_trip(void **state)
{
    (void)state;
    static const char *const texts[] = {smallest_json, smallest_yaml, full_yaml, "{}", "nodes:\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        homelab_inventory *first = load_text(texts[i]);
        char *json = homelab_inventory_write(first, HOMELAB_FORMAT_JSON);
        char *yaml = homelab_inventory_write(first, HOMELAB_FORMAT_YAML);
        assert_non_null(json);
        assert_non_null(yaml);
        homelab_inventory *from_json = load_text(json);
        homelab_inventory *from_yaml = load_text(yaml);
        char *again = homelab_inventory_write(from_json, HOMELAB_FORMAT_YAML);
        assert_string_equal(again, yaml);
        homelab_free(again);
        again = homelab_inventory_write(from_yaml, HOMELAB_FORMAT_JSON);
        assert_string_equal(again, json);
        homelab_free(again);
        if (texts[i] == full_yaml) {
            check_full_nodes(hl_inventory_data(from_json));
            check_full_endpoints(hl_inventory_data(from_yaml));
            check_full_rest(hl_inventory_data(from_json));
        }
        homelab_free(json);
        homelab_free(yaml);
        homelab_inventory_unref(first);
        homelab_inventory_unref(from_json);
        homelab_inventory_unref(from_yaml);
    }
}

static void test_written_order_and_references(void **state)
{
    (void)state;
    setenv("HL_TEST_HOST", "10.0.0.7", 1);
    homelab_inventory *inventory = load_text(
        "{\"models\": {}, \"endpoints\": {\"z\": {\"timeout\": 8.0, \"api_key\": \"env:K\", "
        "\"tier\": \"NAS\", \"url\": \"http://${HL_TEST_HOST}:1\"}, \"a\": {\"url\": "
        "\"http://x\", \"tier\": \"nas\"}}, \"$schema\": \"s\"}");
    assert_string_equal(homelab_inventory_endpoint_url(inventory, 0), "http://10.0.0.7:1");
    char *text = homelab_inventory_write(inventory, HOMELAB_FORMAT_YAML);
    assert_string_equal(text, "\"$schema\": s\n"
                              "endpoints:\n"
                              "  z:\n"
                              "    url: \"http://${HL_TEST_HOST}:1\"\n"
                              "    tier: NAS\n"
                              "    api_key: env:K\n"
                              "    timeout: 8.0\n"
                              "  a:\n"
                              "    url: http://x\n"
                              "    tier: nas\n"
                              "models: {}\n");
    homelab_free(text);
    homelab_inventory_unref(inventory);
    unsetenv("HL_TEST_HOST");
}

static void test_tier_order(void **state)
{
    (void)state;
    static const struct {
        const char *tiers, *endpoints[5], *order;
    } cases[] = {
        {NULL, {"x", "gateway", "NAS", "b", "local"}, "local nas gateway x b "},
        {"a: {}\n  b: {}", {"b", "local", "gateway"}, "a b local gateway "},
        {"a: {order: 5}\n  b: {order: 2}\n  gateway: {}", {"a"}, "b gateway a "},
        {"a: {order: 1}\n  b: {order: 1}\n  C: {order: 0}", {"c"}, "c a b "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        int length =
            snprintf(text, sizeof text, "%s%s\nendpoints:\n", cases[i].tiers ? "tiers:\n  " : "",
                     cases[i].tiers ? cases[i].tiers : "");
        for (size_t k = 0; k < 5 && cases[i].endpoints[k]; k++)
            length += snprintf(text + length, sizeof text - (size_t)length,
                               "  e%zu: {url: 'http://h', tier: %s}\n", k, cases[i].endpoints[k]);
        homelab_inventory *inventory = load_text(text);
        char order[256] = "";
        for (size_t k = 0; k < homelab_inventory_tier_count(inventory); k++) {
            strcat(order, homelab_inventory_tier_name(inventory, k));
            strcat(order, " ");
        }
        assert_string_equal(order, cases[i].order);
        homelab_inventory_unref(inventory);
    }
}

static void test_backend_from_url(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        int backend;
    } cases[] = {
        {"http://h/api/tags", HOMELAB_BACKEND_OLLAMA},
        {"http://h/api/ps/", HOMELAB_BACKEND_OLLAMA},
        {"http://h/api/version?x", HOMELAB_BACKEND_OLLAMA},
        {"http://h/health/liveliness", HOMELAB_BACKEND_LITELLM},
        {"http://h/health/liveness", HOMELAB_BACKEND_LITELLM},
        {"http://h/health/readiness", HOMELAB_BACKEND_LITELLM},
        {"http://h/api/v0/models", HOMELAB_BACKEND_LMSTUDIO},
        {"http://h/.well-known/serviceinfo", HOMELAB_BACKEND_TABBYAPI},
        {"http://h/running", HOMELAB_BACKEND_LLAMASWAP},
        {"http://h/v1/models", HOMELAB_BACKEND_AUTO},
        {"http://h/health", HOMELAB_BACKEND_AUTO},
        {"http://h", HOMELAB_BACKEND_AUTO},
        {"http://h/api/tagsx", HOMELAB_BACKEND_AUTO},
        {"tcp://h:1", HOMELAB_BACKEND_TCP},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "{\"endpoints\":{\"a\":{\"url\":\"%s\",\"tier\":\"nas\"}}}",
                 cases[i].url);
        homelab_inventory *inventory = load_text(text);
        assert_int_equal(homelab_inventory_endpoint_backend(inventory, 0), cases[i].backend);
        homelab_inventory_unref(inventory);
    }
}

static void test_node_from_host(void **state)
{
    (void)state;
    homelab_inventory *inventory =
        load_text("nodes: {a: {host: h1}, b: {host: H2}, c: {host: h2}, d: {}}\n"
                  "endpoints:\n"
                  "  e1: {url: 'http://H1:1', tier: nas}\n"
                  "  e2: {url: 'http://h2:1', tier: nas}\n"
                  "  e3: {url: 'http://h2:1', tier: nas, node: c}\n"
                  "  e4: {url: 'http://h3:1', tier: nas}\n");
    assert_string_equal(homelab_inventory_endpoint_node(inventory, 0), "a");
    assert_null(homelab_inventory_endpoint_node(inventory, 1));
    assert_string_equal(homelab_inventory_endpoint_node(inventory, 2), "c");
    assert_null(homelab_inventory_endpoint_node(inventory, 3));
    homelab_inventory_unref(inventory);
}

static void test_variables(void **state)
{
    (void)state;
    setenv("HL_TEST_A", "node1", 1);
    setenv("HL_TEST_B", "8080", 1);
    homelab_inventory *inventory =
        load_text("nodes: {n: {host: '${HL_TEST_A}.lan'}}\n"
                  "endpoints:\n"
                  "  e: {url: 'http://${HL_TEST_A}.lan:${HL_TEST_B}/$x$$?a=$', tier: nas}\n");
    assert_string_equal(homelab_inventory_node_host(inventory, 0), "node1.lan");
    assert_string_equal(homelab_inventory_endpoint_url(inventory, 0),
                        "http://node1.lan:8080/$x$$?a=$");
    assert_string_equal(homelab_inventory_endpoint_node(inventory, 0), "n");
    homelab_inventory_unref(inventory);
    unsetenv("HL_TEST_A");
    unsetenv("HL_TEST_B");
}

static void test_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/homelab-inventory-XXXXXX";
    assert_non_null(mkdtemp(folder));
    static const struct {
        const char *name, *text;
        int error;
    } cases[] = {
        {"a.json", smallest_json, HOMELAB_OK},       {"a.YAML", smallest_yaml, HOMELAB_OK},
        {"a.yml", smallest_json, HOMELAB_OK}, /* JSON is YAML here */
        {"a.json", smallest_yaml, HOMELAB_E_SYNTAX}, {"a", smallest_json, HOMELAB_OK},
        {"b.conf", smallest_yaml, HOMELAB_OK},
    };
    char path[128];
    homelab_inventory *inventory = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, cases[i].name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(cases[i].text, file);
        fclose(file);
        inventory = NULL;
        assert_int_equal(homelab_inventory_load_file(&inventory, path, NULL), cases[i].error);
        homelab_inventory_unref(inventory);
        homelab_report *report = NULL;
        assert_int_equal(homelab_report_file(&report, path, NULL), HOMELAB_OK);
        assert_int_equal(homelab_report_count(report) == 0, cases[i].error == HOMELAB_OK);
        homelab_report_free(report);
        unlink(path);
    }
    assert_int_equal(homelab_inventory_load_file(&inventory, path, NULL), HOMELAB_E_SYSTEM);
    assert_non_null(strstr(homelab_error_message(), "cannot be opened: No such file"));
    homelab_report *report = NULL;
    assert_int_equal(homelab_report_file(&report, path, NULL), HOMELAB_E_SYSTEM);
    assert_null(report);
    assert_int_equal(homelab_inventory_load_file(&inventory, folder, NULL), HOMELAB_E_SYSTEM);
    assert_non_null(strstr(homelab_error_message(), "cannot be read: Is a directory"));
    rmdir(folder);
}

static void test_byte_order_mark(void **state)
{
    (void)state;
    static const char yaml[] = "\xEF\xBB\xBFnodes: {}";
    static const char json[] = "\xEF\xBB\xBF{}";
    homelab_inventory *inventory = load_text(yaml);
    homelab_inventory_unref(inventory);
    inventory = NULL;
    assert_int_equal(homelab_inventory_load_text(&inventory, json, sizeof json - 1, 0, NULL, NULL),
                     HOMELAB_E_SYNTAX);
    assert_string_equal(homelab_error_message(),
                        "inventory:1:1: found a byte order mark, expected UTF-8 without one");
}

static void test_references_are_counted(void **state)
{
    (void)state;
    homelab_inventory *inventory = load_text(smallest_json);
    assert_ptr_equal(homelab_inventory_ref(inventory), inventory);
    assert_null(hl_inventory_allocator(inventory));
    homelab_inventory_unref(inventory);
    assert_int_equal(homelab_inventory_endpoint_count(inventory), 3);
    homelab_inventory_unref(inventory);
}

static void test_limits(void **state)
{
    (void)state;
    homelab_opts *opts = NULL;
    homelab_inventory *inventory = NULL;
    homelab_report *report = NULL;
    assert_int_equal(homelab_opts_new(&opts), 0);
    assert_int_equal(homelab_opts_set_int(opts, "inventory.max_bytes", 1024), 0);
    assert_int_equal(homelab_opts_set_int(opts, "inventory.max_problems", 2), 0);
    char text[1100];
    memset(text, ' ', sizeof text);
    memcpy(text, "{}", 2);
    assert_int_equal(homelab_inventory_load_text(&inventory, text, 1024, 0, NULL, opts), 0);
    homelab_inventory_unref(inventory);
    assert_int_equal(homelab_inventory_load_text(&inventory, text, 1025, 0, NULL, opts),
                     HOMELAB_E_LIMIT);
    assert_string_equal(homelab_error_message(),
                        "inventory: found more than 1024 bytes, expected at most that");
    static const char wrong[] = "{\"a\": 1, \"b\": 2, \"c\": 3, \"d\": 4}";
    assert_int_equal(homelab_report_text(&report, wrong, sizeof wrong - 1, 0, "f", opts), 0);
    assert_int_equal(homelab_report_count(report), 3);
    assert_string_equal(homelab_report_message(report, 2), "f: found 2 more problems");
    homelab_report_free(report);
    assert_int_equal(homelab_inventory_load_text(&inventory, wrong, sizeof wrong - 1, 0, "f", opts),
                     HOMELAB_E_INVENTORY);
    assert_non_null(strstr(homelab_error_message(), "(and 3 more)"));
    homelab_opts_free(opts);
}

static void test_arguments(void **state)
{
    (void)state;
    homelab_inventory *inventory = NULL;
    homelab_report *report = NULL;
    assert_int_equal(homelab_inventory_load_file(NULL, "x", NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_inventory_load_file(&inventory, NULL, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_inventory_load_text(NULL, "", 0, 0, NULL, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_inventory_load_text(&inventory, NULL, 1, 0, NULL, NULL),
                     HOMELAB_E_INVALID);
    assert_int_equal(homelab_inventory_load_text(&inventory, "", 0, 3, NULL, NULL),
                     HOMELAB_E_INVALID);
    assert_int_equal(homelab_report_file(&report, NULL, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_report_text(NULL, "", 0, 0, NULL, NULL), HOMELAB_E_INVALID);
    assert_null(homelab_inventory_write(NULL, HOMELAB_FORMAT_JSON));
    assert_int_equal(homelab_error_code(), HOMELAB_E_INVALID);
    assert_null(homelab_inventory_ref(NULL));
    homelab_inventory_unref(NULL);
    homelab_report_free(NULL);
    assert_int_equal(homelab_inventory_tier_count(NULL), 0);
    assert_null(homelab_inventory_tier_name(NULL, 0));
    assert_int_equal(homelab_inventory_node_count(NULL), 0);
    assert_null(homelab_inventory_node_id(NULL, 0));
    assert_null(homelab_inventory_node_host(NULL, 0));
    assert_null(homelab_inventory_node_os(NULL, 0));
    assert_int_equal(homelab_inventory_node_ram_bytes(NULL, 0), 0);
    assert_int_equal(homelab_inventory_gpu_count(NULL, 0), 0);
    assert_null(homelab_inventory_gpu_name(NULL, 0, 0));
    assert_int_equal(homelab_inventory_gpu_memory_bytes(NULL, 0, 0), 0);
    assert_int_equal(homelab_inventory_gpu_bandwidth_bytes(NULL, 0, 0), 0);
    assert_int_equal(homelab_inventory_endpoint_count(NULL), 0);
    assert_int_equal(homelab_inventory_endpoint_find(NULL, "a"), HOMELAB_E_INVALID);
    assert_null(homelab_inventory_endpoint_id(NULL, 0));
    assert_null(homelab_inventory_endpoint_url(NULL, 0));
    assert_null(homelab_inventory_endpoint_tier(NULL, 0));
    assert_null(homelab_inventory_endpoint_node(NULL, 0));
    assert_int_equal(homelab_inventory_endpoint_backend(NULL, 0), 0);
    assert_int_equal(homelab_inventory_endpoint_timeout_ms(NULL, 0), 0);
    assert_int_equal(homelab_inventory_container_count(NULL), 0);
    assert_null(homelab_inventory_container_name(NULL, 0));
    assert_null(homelab_inventory_container_node(NULL, 0));
    assert_int_equal(homelab_inventory_model_count(NULL), 0);
    assert_null(homelab_inventory_model_name(NULL, 0));
    assert_int_equal(homelab_report_count(NULL), 0);
    assert_null(homelab_report_message(NULL, 0));
    assert_null(homelab_report_path(NULL, 0));
    assert_int_equal(homelab_report_line(NULL, 0), 0);
    assert_int_equal(homelab_report_column(NULL, 0), 0);
}

static void test_names(void **state)
{
    (void)state;
    for (int backend = HOMELAB_BACKEND_AUTO; backend <= HOMELAB_BACKEND_TCP; backend++)
        assert_int_equal(homelab_backend_from_name(homelab_backend_name(backend)), backend);
    assert_null(homelab_backend_name(-1));
    assert_null(homelab_backend_name(HOMELAB_BACKEND_TCP + 1));
    assert_int_equal(homelab_backend_from_name("x"), HOMELAB_E_NOT_FOUND);
    assert_int_equal(homelab_backend_from_name(NULL), HOMELAB_E_INVALID);
    for (size_t i = 0; i < HL_CAP_COUNT; i++)
        assert_int_equal(hl_capability_from_name(hl_capability_name(i)), i);
    assert_null(hl_capability_name(HL_CAP_COUNT));
    for (int depth = HL_DEPTH_TCP; depth <= HL_DEPTH_CANARY; depth++)
        assert_int_equal(hl_depth_from_name(hl_depth_name((enum hl_depth)depth)), depth);
    assert_int_equal(hl_depth_from_name("deep"), -1);
    assert_int_equal(hl_depth_from_name(NULL), -1);
}

/* Ten thousand of each, each referring to others, in a blink. */
static void test_large(void **state)
{
    (void)state;
    const size_t count = 10000;
    size_t size = count * 256;
    char *text = malloc(size);
    assert_non_null(text);
    size_t length = (size_t)snprintf(text, size, "nodes:\n");
    for (size_t i = 0; i < count; i++)
        length +=
            (size_t)snprintf(text + length, size - length, "  n%05zu: {host: h%05zu}\n", i, i);
    length += (size_t)snprintf(text + length, size - length, "endpoints:\n");
    for (size_t i = 0; i < count; i++)
        length += (size_t)snprintf(text + length, size - length,
                                   "  e%05zu: {url: 'http://h%05zu:1', tier: nas}\n", i, i);
    homelab_inventory *inventory = NULL;
    assert_int_equal(homelab_inventory_load_text(&inventory, text, length, 0, NULL, NULL), 0);
    assert_string_equal(homelab_inventory_endpoint_node(inventory, count - 1), "n09999");
    homelab_inventory_unref(inventory);
    free(text);
}

/* Each of these would take minutes if every problem's message were put together. */
static void test_many_problems(void **state)
{
    (void)state;
    static const struct {
        const char *start, *before, *after, *end;
    } shapes[] = {
        {"models: {", "m", ": {endpoints: [e1234567, e1234568]}, ", "}"},
        {"endpoints: {e: {models: [", "", ", ", "]}}"},
        {"nodes: {", "n", ": {hosst: 1}, ", "}"},
        {"models: {m: {roles: [", "codee", ", ", "]}}"},
    };
    const size_t size = 4 << 20;
    char *text = malloc(size);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        size_t length = (size_t)snprintf(text, size, "%s", shapes[i].start);
        for (size_t k = 0; k < 80000; k++)
            length += (size_t)snprintf(text + length, size - length, "%s%zu%s", shapes[i].before, k,
                                       shapes[i].after);
        length += (size_t)snprintf(text + length, size - length, "%s", shapes[i].end);
        homelab_report *report = NULL;
        assert_int_equal(homelab_report_text(&report, text, length, 0, NULL, NULL), 0);
        assert_int_equal(homelab_report_count(report), 101);
        homelab_report_free(report);
    }
    free(text);
}

static int load_and_write(void *userdata)
{
    const char *text = userdata;
    homelab_inventory *inventory = NULL;
    int error = homelab_inventory_load_text(&inventory, text, strlen(text), 0, NULL, NULL);
    if (error == HOMELAB_E_NOMEM)
        return failmalloc_failed(error);
    if (error)
        return HOMELAB_OK;
    char *written = homelab_inventory_write(inventory, HOMELAB_FORMAT_JSON);
    if (!written)
        failmalloc_failed(HOMELAB_E_NOMEM);
    homelab_inventory_unref(inventory);
    homelab_free(written);
    return written ? HOMELAB_OK : HOMELAB_E_NOMEM;
}

static void test_allocation_failures(void **state)
{
    (void)state;
    static char good[sizeof full_yaml];
    static char json[sizeof smallest_json];
    static char wrong[] =
        "tiers: {A: {}, a: {}}\nendpoints: {e: {url: 'http://${HL_NONE}', tier: b, "
        "node: x, models: [a, a], x: 1}, f: {url: 'x', tier: c}}\n"
        "containers: {c: {node: n, gate: g}}\nnodes: {n: {host: '/', gpus: "
        "[{memory_gib: 1, used_gib: 2}]}}\n";
    memcpy(good, full_yaml, sizeof good);
    memcpy(json, smallest_json, sizeof json);
    fail_each_allocation(load_and_write, good);
    fail_each_allocation(load_and_write, json);
    fail_each_allocation(load_and_write, wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smallest),
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_written_order_and_references),
        cmocka_unit_test(test_tier_order),
        cmocka_unit_test(test_backend_from_url),
        cmocka_unit_test(test_node_from_host),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_byte_order_mark),
        cmocka_unit_test(test_references_are_counted),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_many_problems),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
