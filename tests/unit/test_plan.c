#include "plan/plan.h"

#include "core/alloc.h"
#include "support/failmalloc.h"
#include "support/gguf_small.h"

#include <homelab/homelab.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define GIB ((int64_t)1 << 30)

static homelab_inventory *inventory_of(const char *text)
{
    homelab_inventory *inventory = NULL;
    if (homelab_inventory_load_text(&inventory, text, strlen(text), HOMELAB_FORMAT_YAML, NULL,
                                    NULL))
        fail_msg("%s", homelab_error_message());
    return inventory;
}

static homelab_plan *plan_of(const char *text, const homelab_opts *opts)
{
    homelab_inventory *inventory = inventory_of(text);
    homelab_planner *planner = NULL;
    homelab_plan *plan = NULL;
    assert_int_equal(homelab_planner_new(&planner, inventory, opts), 0);
    homelab_inventory_unref(inventory);
    if (homelab_planner_plan(planner, &plan))
        fail_msg("%s", homelab_error_message());
    homelab_planner_free(planner);
    return plan;
}

static homelab_gguf *header_of(const char *name)
{
    char path[512];
    homelab_gguf *gguf = NULL;
    snprintf(path, sizeof path, TESTS_DATA "/gguf/%s.hdr", name);
    if (homelab_gguf_load_file(&gguf, path, NULL))
        fail_msg("%s", homelab_error_message());
    return gguf;
}

typedef int set_header_fn(homelab_planner *planner, const char *model, homelab_gguf *gguf);

static void give(homelab_planner *planner, set_header_fn *set, const char *model, const char *name)
{
    homelab_gguf *gguf = header_of(name);
    if (set(planner, model, gguf))
        fail_msg("%s", homelab_error_message());
    homelab_gguf_unref(gguf);
}

static const char *device_of(const homelab_plan *plan, const char *name, int replica)
{
    for (size_t i = 0; i < homelab_plan_model_count(plan); i++)
        if (strcmp(homelab_plan_model_name(plan, i), name) == 0 && replica-- == 0)
            return homelab_plan_model_is_placed(plan, i)
                       ? homelab_plan_device_id(plan, (size_t)homelab_plan_part_device(plan, i, 0))
                       : "left out";
    fail_msg("no model %s", name);
    return NULL;
}

#define NODES                                                                                      \
    "nodes:\n"                                                                                     \
    "  a: {ram_gib: 32, gpus: [{memory_gib: 24, bandwidth_gbs: 900, vendor: nvidia}]}\n"           \
    "  b: {ram_gib: 16, gpus: [{memory_gib: 12, bandwidth_gbs: 300},\n"                            \
    "                          {memory_gib: 12, bandwidth_gbs: 300, used_gib: 2}]}\n"

struct rule_case {
    const char *models;
    struct {
        const char *name;
        int replica;
        const char *device;
    } expected[4];
    int status;
};

static void rules(void **state)
{
    (void)state;
    static const struct rule_case cases[] = {
        /* The fastest GPU first. */
        {"  m: {size_gib: 10}\n", {{"m", 0, "a/gpu0"}}, 0},
        {"  m: {size_gib: 11}\n  n: {size_gib: 15}\n", {{"m", 0, "b/gpu0"}, {"n", 0, "a/gpu0"}}, 0},
        /* Priority before size. */
        {"  m: {size_gib: 20}\n  n: {size_gib: 20, priority: 101}\n",
         {{"m", 0, "a/cpu"}, {"n", 0, "a/gpu0"}},
         0},
        /* Required before priority: there is no CPU for it. */
        {"  m: {size_gib: 20, required: true, cpu: false, priority: 1}\n"
         "  n: {size_gib: 20, priority: 900, cpu: false}\n",
         {{"m", 0, "a/gpu0"}, {"n", 0, "left out"}},
         1},
        {"  m: {size_gib: 40, required: true}\n", {{"m", 0, "left out"}}, 2},
        /* A role that must be served. */
        {"  m: {size_gib: 40, roles: [code]}\n", {{"m", 0, "left out"}}, 2},
        {"  m: {size_gib: 40, roles: [code]}\n  n: {size_gib: 4, roles: [code]}\n",
         {{"m", 0, "left out"}, {"n", 0, "a/gpu0"}},
         1},
        /* Pins. */
        {"  m: {size_gib: 10, pin: b}\n", {{"m", 0, "b/gpu0"}}, 0},
        {"  m: {size_gib: 10, pin: b/gpu1}\n", {{"m", 0, "b/gpu1"}}, 0},
        {"  m: {size_gib: 10, pin: b/cpu}\n", {{"m", 0, "b/cpu"}}, 0},
        {"  m: {size_gib: 1, gpu_layers: 0}\n", {{"m", 0, "a/cpu"}}, 0},
        /* Sets share memory: those of the day and those of the night are not loaded together. */
        {"  m: {size_gib: 20, sets: [day]}\n  n: {size_gib: 20, sets: [night]}\n",
         {{"m", 0, "a/gpu0"}, {"n", 0, "a/gpu0"}},
         0},
        {"  m: {size_gib: 20, sets: [day, night]}\n  n: {size_gib: 20, sets: [night], priority: "
         "99}\n",
         {{"m", 0, "a/gpu0"}, {"n", 0, "a/cpu"}},
         0},
        /* CPUs with little memory. */
        {"  m: {size_gib: 30, gpu_layers: 0}\n  n: {size_gib: 14, gpu_layers: 0}\n"
         "  o: {size_gib: 14, gpu_layers: 0, priority: 50}\n",
         {{"m", 0, "a/cpu"}, {"n", 0, "b/cpu"}, {"o", 0, "left out"}},
         1},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char text[4096];
        snprintf(text, sizeof text, NODES "models:\n%s", cases[c].models);
        homelab_plan *plan = plan_of(text, NULL);
        for (size_t e = 0; e < 4 && cases[c].expected[e].name; e++) {
            const char *device =
                device_of(plan, cases[c].expected[e].name, cases[c].expected[e].replica);
            if (strcmp(device, cases[c].expected[e].device) != 0)
                fail_msg("case %zu: %s is on %s", c, cases[c].expected[e].name, device);
        }
        assert_true(homelab_plan_is_optimal(plan));
        if (homelab_plan_status(plan) != cases[c].status)
            fail_msg("case %zu: status %d", c, homelab_plan_status(plan));
        homelab_plan_unref(plan);
    }
}

/* Equal choices may fall either way; what may not is what was asked for. */
/* What is said of a model that is not on GPUs is what keeps it from them. */
static void reasons(void **state)
{
    (void)state;
    static const struct {
        const char *inventory, *why;
    } cases[] = {
        {"nodes:\n  c: {ram_gib: 2}\nmodels:\n  m: {size_gib: 4}\n",
         "left out: no CPU has room for 4.0 GiB; most room is on c/cpu: 2.0 GiB; 2.0 GiB more "},
        {"nodes:\n  c: {ram_gib: 8}\nmodels:\n  m: {size_gib: 4}\n", "on the CPU: there is no GPU"},
        {NODES "models:\n  m: {size_gib: 4, pin: a/cpu}\n", "on the CPU: it is pinned there"},
        {NODES "models:\n  m: {size_gib: 4, gpu_layers: 0}\n", "on the CPU: gpu_layers is 0"},
        {NODES "models:\n  m: {roles: [chat]}\n", "left out: its size is unknown"},
        {NODES "models:\n  m: {size_gib: 4, gpu_layers: 0, cpu: false}\n",
         "left out: there is no GPU for it, and it may not run on a CPU"},
        {"nodes:\n  c: {ram_gib: 32, gpus: [{memory_gib: 24}]}\nmodels:\n"
         "  m: {size_gib: 4, apart: [n]}\n  n: {size_gib: 4, cpu: false}\n",
         "on the CPU: each GPU with room for 4.0 GiB has what it must be apart from"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        homelab_plan *plan = plan_of(cases[i].inventory, NULL);
        const char *why = homelab_plan_model_why(plan, 0);
        if (strncmp(why, cases[i].why, strlen(cases[i].why)) != 0)
            fail_msg("case %zu: found '%s', expected '%s'", i, why, cases[i].why);
        homelab_plan_unref(plan);
    }
}

static void apart_and_replicas(void **state)
{
    (void)state;
    homelab_plan *plan =
        plan_of(NODES "models:\n  m: {size_gib: 5}\n  n: {size_gib: 5, apart: [m]}\n"
                      "  r: {size_gib: 6, replicas: 3}\n",
                NULL);
    assert_string_not_equal(device_of(plan, "m", 0), device_of(plan, "n", 0));
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(device_of(plan, "r", a), device_of(plan, "r", b));
    homelab_plan_unref(plan);
}

/* Nodes n0, n1, … of one GPU of 24 GiB, so two devices each. */
static void put_nodes(char *text, size_t size, int count)
{
    size_t length = (size_t)snprintf(text, size, "nodes:\n");
    for (int n = 0; n < count; n++)
        length += (size_t)snprintf(text + length, size - length,
                                   "  n%d: {ram_gib: 64, gpus: [{memory_gib: 24}]}\n", n);
}

/* What must be apart is so on any device, also where there are more than can be told apart. */
static void apart_on_many_devices(void **state)
{
    (void)state;
    char text[8192];
    put_nodes(text, sizeof text, 40);
    strcat(text, "models:\n  m: {size_gib: 1, apart: [n], pin: n39}\n"
                 "  n: {size_gib: 1, pin: n39/gpu0, cpu: false}\n"
                 "  r: {size_gib: 1, pin: n38, replicas: 3}\n");
    homelab_plan *plan = plan_of(text, NULL);
    assert_true(homelab_plan_is_optimal(plan));
    assert_string_equal(device_of(plan, "m", 0), "n39/cpu");
    assert_string_equal(device_of(plan, "n", 0), "n39/gpu0");
    assert_string_not_equal(device_of(plan, "r", 0), device_of(plan, "r", 1));
    assert_int_equal(homelab_plan_status(plan), HOMELAB_PLAN_PARTIAL);
    homelab_plan_unref(plan);
}

static void limits(void **state)
{
    (void)state;
    static const struct {
        int nodes;
        const char *models, *message; /* NULL: a plan */
    } cases[] = {
        {32, "  m: {size_gib: 1, replicas: 2}\n", NULL},
        {33, "  m: {size_gib: 1, replicas: 2}\n",
         "models: those with apart or replicas can be on more than 64 devices"},
        {64, "  m: {size_gib: 1, replicas: 2, cpu: false}\n  n: {size_gib: 1}\n", NULL},
        {65, "  m: {size_gib: 1, apart: [n], cpu: false}\n  n: {size_gib: 1}\n",
         "models: those with apart or replicas can be on more than 64 devices"},
        {256, "  m: {size_gib: 1, cpu: false}\n", NULL},
        {257, "  m: {size_gib: 1, cpu: false}\n",
         "model 'm': found more than 256 ways to place it"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char text[16384];
        homelab_planner *planner = NULL;
        homelab_plan *plan = NULL;
        put_nodes(text, sizeof text, cases[c].nodes);
        strcat(strcat(text, "models:\n"), cases[c].models);
        homelab_inventory *inventory = inventory_of(text);
        assert_int_equal(homelab_planner_new(&planner, inventory, NULL), 0);
        int code = homelab_planner_plan(planner, &plan);
        if (code != (cases[c].message ? HOMELAB_E_LIMIT : 0))
            fail_msg("case %zu: %s", c, code ? homelab_error_message() : "a plan");
        if (code)
            assert_non_null(strstr(homelab_error_message(), cases[c].message));
        homelab_plan_unref(plan);
        homelab_planner_free(planner);
        homelab_inventory_unref(inventory);
    }
}

/* A plan that was made by hand: five models take 20.1 of 24 GiB. */
static void by_hand(void **state)
{
    (void)state;
    homelab_inventory *inventory = NULL;
    homelab_planner *planner = NULL;
    homelab_plan *plan = NULL;
    assert_int_equal(homelab_inventory_load_file(
                         &inventory, TESTS_DATA "/../../examples/inventory/plan.yaml", NULL),
                     0);
    assert_int_equal(homelab_planner_new(&planner, inventory, NULL), 0);
    assert_int_equal(homelab_planner_plan(planner, &plan), 0);
    assert_int_equal(homelab_plan_status(plan), HOMELAB_PLAN_COMPLETE);
    int64_t planned = homelab_plan_device_planned(plan, 0);
    assert_int_equal((planned * 10 + GIB / 2) / GIB, 201);
    assert_int_equal((planned * 100 + 12 * GIB) / (24 * GIB), 84);
    assert_int_equal(homelab_plan_model_layers(plan, 0), 28);
    for (size_t i = 0; i < homelab_plan_model_count(plan); i++)
        assert_int_equal(homelab_plan_model_on_cpu(plan, i), i >= 5);
    homelab_plan_unref(plan);
    homelab_planner_free(planner);
    homelab_inventory_unref(inventory);
}

static void readings(void **state)
{
    (void)state;
    homelab_inventory *inventory = inventory_of(NODES "models:\n  m: {size_gib: 10, pin: b}\n");
    homelab_planner *planner = NULL;
    homelab_plan *before = NULL, *after = NULL;
    assert_int_equal(homelab_planner_new(&planner, inventory, NULL), 0);
    assert_int_equal(homelab_planner_plan(planner, &before), 0);
    assert_int_equal(homelab_planner_set_used(planner, "b", 0, 5 * GIB), 0);
    assert_int_equal(homelab_planner_set_used(planner, "b", 0, 6 * GIB), 0);
    assert_int_equal(homelab_planner_set_used(planner, "b", 2, 0), HOMELAB_E_NOT_FOUND);
    assert_int_equal(homelab_planner_set_used(planner, "c", 0, 0), HOMELAB_E_NOT_FOUND);
    assert_int_equal(homelab_planner_set_used(planner, "b", 0, -1), HOMELAB_E_INVALID);
    assert_int_equal(homelab_planner_plan(planner, &after), 0);
    assert_string_equal(device_of(before, "m", 0), "b/gpu0");
    assert_string_equal(device_of(after, "m", 0), "b/gpu1");
    assert_true(homelab_plan_device_was_read(after, 2));
    assert_false(homelab_plan_device_was_read(before, 2));
    assert_true(homelab_plan_device_others(after, 2) == 6 * GIB);
    char *change = homelab_plan_diff(after, before), *same = homelab_plan_diff(after, after);
    assert_string_equal(change, "m: b/gpu0 -> b/gpu1\n");
    assert_string_equal(same, "");
    homelab_free(change);
    homelab_free(same);
    homelab_plan_unref(before);
    homelab_plan_unref(after);
    homelab_planner_free(planner);
    homelab_inventory_unref(inventory);
}

/* Readings far beyond what a device has leave no room, and none overflows. */
static void readings_without_end(void **state)
{
    (void)state;
    homelab_inventory *inventory =
        inventory_of("nodes:\n  a: {gpus: [{reserve_gib: 1}, {memory_gib: 8, reserve_gib: 1}]}\n"
                     "models:\n  m: {size_gib: 1}\n  n: {}\n");
    homelab_planner *planner = NULL;
    homelab_plan *plan = NULL;
    assert_int_equal(homelab_planner_new(&planner, inventory, NULL), 0);
    give(planner, homelab_planner_set_header, "n", "llama-3.2-1b.Q4_K_M");
    for (size_t gpu = 0; gpu < 2; gpu++)
        assert_int_equal(homelab_planner_set_used(planner, "a", gpu, (int64_t)1 << 50), 0);
    assert_int_equal(homelab_planner_set_used(planner, "a", 0, INT64_MAX), HOMELAB_E_INVALID);
    assert_int_equal(homelab_planner_plan(planner, &plan), 0);
    assert_string_equal(device_of(plan, "m", 0), "left out");
    assert_string_equal(device_of(plan, "n", 0), "left out");
    homelab_plan_unref(plan);
    homelab_planner_free(planner);
    homelab_inventory_unref(inventory);
}

/* --- What is loaded beside a model --- */

struct bytes {
    int64_t weights, context, compute;
};

/* On the first device and the host. */
static void add_needs(struct bytes *bytes, const char *header, bool gpu, int64_t layers,
                      int64_t context, int parallel, int64_t outputs)
{
    homelab_gguf *gguf = header_of(header);
    homelab_opts *opts = NULL;
    homelab_estimate *estimate = NULL;
    assert_int_equal(homelab_opts_new(&opts), 0);
    assert_int_equal(homelab_opts_set_string(opts, "vram.devices", gpu ? "cuda" : ""), 0);
    assert_int_equal(homelab_opts_set_int(opts, "vram.gpu_layers", gpu ? layers : 0), 0);
    assert_int_equal(homelab_opts_set_int(opts, "vram.context", context * parallel), 0);
    assert_int_equal(homelab_opts_set_int(opts, "vram.parallel", parallel), 0);
    assert_int_equal(homelab_opts_set_int(opts, "vram.outputs", outputs), 0);
    assert_int_equal(homelab_estimate_new(&estimate, gguf, opts), 0);
    for (size_t d = 0; d < homelab_estimate_device_count(estimate); d++) {
        bytes[d].weights += homelab_estimate_weights_bytes(estimate, d);
        bytes[d].context += homelab_estimate_context_bytes(estimate, d);
        bytes[d].compute += homelab_estimate_compute_bytes(estimate, d);
    }
    bytes[homelab_estimate_device_count(estimate) - 1].compute +=
        homelab_estimate_output_buffer_bytes(estimate);
    homelab_estimate_unref(estimate);
    homelab_opts_free(opts);
    homelab_gguf_unref(gguf);
}

static homelab_plan *plan_with_all(const char *models)
{
    char text[1024];
    homelab_planner *planner = NULL;
    homelab_plan *plan = NULL;
    snprintf(text, sizeof text, NODES "models:\n%s", models);
    homelab_inventory *inventory = inventory_of(text);
    assert_int_equal(homelab_planner_new(&planner, inventory, NULL), 0);
    give(planner, homelab_planner_set_header, "m", "qwen2.5-vl-7b.Q4_K_M");
    give(planner, homelab_planner_set_projector, "m", "mmproj-qwen2.5-vl-7b.F16");
    give(planner, homelab_planner_set_draft, "m", "qwen2.5-0.5b.Q4_K_M");
    if (homelab_planner_plan(planner, &plan))
        fail_msg("%s", homelab_error_message());
    homelab_planner_free(planner);
    homelab_inventory_unref(inventory);
    return plan;
}

/* Model, projector and draft model are one process: their buffers add up, its overhead is there
 * once. The draft model has the slots and the context of the model, which has more outputs. */
static void beside(void **state)
{
    (void)state;
    static const char models[] = "  m: {file: d/m.gguf, mmproj: \"d/p q.gguf\", draft: d/s.gguf, "
                                 "parallel: 2, context: 4096%s}\n";
    for (int gpu = 0; gpu < 2; gpu++) {
        char text[512];
        struct bytes expected[2] = {{0}};
        snprintf(text, sizeof text, models, gpu ? "" : ", gpu_layers: 0");
        homelab_plan *plan = plan_with_all(text);
        add_needs(expected, "qwen2.5-vl-7b.Q4_K_M", gpu, -1, 4096, 2, 8);
        add_needs(expected, "mmproj-qwen2.5-vl-7b.F16", gpu, -1, 4096, 2, 2);
        add_needs(expected, "qwen2.5-0.5b.Q4_K_M", gpu, -1, 4096, 2, 2);
        assert_string_equal(device_of(plan, "m", 0), gpu ? "a/gpu0" : "a/cpu");
        assert_int_equal(homelab_plan_part_count(plan, 0), 1 + gpu);
        for (size_t part = 0; part < homelab_plan_part_count(plan, 0); part++) {
            assert_true(homelab_plan_part_weights(plan, 0, part) == expected[part].weights);
            assert_true(homelab_plan_part_context(plan, 0, part) == expected[part].context);
            assert_true(homelab_plan_part_compute(plan, 0, part) == expected[part].compute);
        }
        assert_true(homelab_plan_part_overhead(plan, 0, 0) == gpu * (int64_t)457 << 20);
        const char *server = homelab_plan_model_llama_server(plan, 0);
        const char *docker = homelab_plan_model_docker(plan, 0);
        assert_non_null(strstr(server, "--mmproj 'd/p q.gguf'"));
        assert_non_null(strstr(docker, "--mmproj '/models/p q.gguf'"));
        assert_non_null(strstr(server, "--spec-type draft-simple --model-draft d/s.gguf"));
        assert_non_null(strstr(docker, "--model-draft /models/s.gguf"));
        assert_non_null(strstr(server, gpu ? "--device-draft CUDA0 --n-gpu-layers-draft 999"
                                           : "--device-draft none --n-gpu-layers-draft 0"));
        assert_int_equal(strstr(server, "--no-mmproj-offload") == NULL, gpu);
        assert_non_null(strstr(homelab_plan_model_why(plan, 0),
                               "; with its projector (1.9 GiB) and its draft model ("));
        homelab_plan_unref(plan);
    }
}

/* Who serves a model decides how it is run, else the option: Ollama has no draft models. The
 * context is that of a slot in either. */
static void runtimes(void **state)
{
    (void)state;
    static const char *const names[] = {"m", "n", "u"};
    homelab_inventory *inventory = inventory_of(
        NODES "endpoints:\n  o: {url: \"http://h:11434/api/tags\", tier: local}\n"
              "  s: {url: \"http://h:8080\", tier: local, backend: llamacpp}\n"
              "models:\n  m: {pin: a/gpu0, parallel: 4, context: 4096, endpoints: [o]}\n"
              "  n: {pin: a/gpu0, parallel: 4, context: 4096, endpoints: [s]}\n"
              "  u: {pin: a/gpu0, parallel: 4, context: 4096, endpoints: [o, s]}\n");
    struct bytes model[2] = {{0}}, draft[2] = {{0}};
    add_needs(model, "qwen3-0.6b.Q8_0", true, -1, 4096, 4, 4);
    add_needs(draft, "qwen2.5-0.5b.Q4_K_M", true, -1, 4096, 4, 4);
    for (int ollama = 0; ollama < 2; ollama++) {
        const bool drafts[] = {false, true, !ollama};
        homelab_planner *planner = NULL;
        homelab_plan *plan = NULL;
        homelab_opts *opts = NULL;
        assert_int_equal(homelab_opts_new(&opts), 0);
        assert_int_equal(
            homelab_opts_set_string(opts, "vram.runtime", ollama ? "ollama" : "llama.cpp"), 0);
        assert_int_equal(homelab_planner_new(&planner, inventory, opts), 0);
        for (size_t i = 0; i < 3; i++) {
            give(planner, homelab_planner_set_header, names[i], "qwen3-0.6b.Q8_0");
            give(planner, homelab_planner_set_draft, names[i], "qwen2.5-0.5b.Q4_K_M");
        }
        assert_int_equal(homelab_planner_plan(planner, &plan), 0);
        for (size_t i = 0; i < 3; i++) {
            int64_t expected = model[0].context + (drafts[i] ? draft[0].context : 0);
            assert_true(homelab_plan_part_context(plan, i, 0) == expected);
        }
        homelab_plan_unref(plan);
        homelab_planner_free(planner);
        homelab_opts_free(opts);
    }
    homelab_inventory_unref(inventory);
}

/* The commands have the options that the estimate was made with, and not those that the server has
 * by itself. */
static void options_in_commands(void **state)
{
    (void)state;
    static const struct {
        const char *option, *value, *argument;
    } cases[] = {
        {"vram.batch", "1024", " --batch-size 1024 "},
        {"vram.ubatch", "256", " --ubatch-size 256 "},
        {"vram.flash_attention", "on", " --flash-attn on "},
        {"vram.flash_attention", "off", " --flash-attn off "},
        {"vram.kv_offload", "false", " --no-kv-offload "},
        {"vram.unified", "on", " --kv-unified "},
        {"vram.swa_full", "true", " --swa-full "},
        {"vram.mmap", "false", " --load-mode none "},
        {"vram.op_offload", "false", " --no-op-offload "},
        {"vram.embeddings", "true", " --embeddings "},
    };
    homelab_inventory *inventory = inventory_of(NODES "models:\n  m: {context: 4096}\n");
    for (size_t changed = 0; changed <= sizeof cases / sizeof *cases; changed++) {
        homelab_planner *planner = NULL;
        homelab_plan *plan = NULL;
        homelab_opts *opts = NULL;
        assert_int_equal(homelab_opts_new(&opts), 0);
        if (changed < sizeof cases / sizeof *cases)
            assert_int_equal(
                homelab_opts_set_text(opts, cases[changed].option, cases[changed].value), 0);
        assert_int_equal(homelab_planner_new(&planner, inventory, opts), 0);
        give(planner, homelab_planner_set_header, "m", "qwen2.5-0.5b.Q4_K_M");
        assert_int_equal(homelab_planner_plan(planner, &plan), 0);
        const char *server = homelab_plan_model_llama_server(plan, 0);
        const char *docker = homelab_plan_model_docker(plan, 0);
        for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
            if ((strstr(server, cases[c].argument) != NULL) != (c == changed) ||
                (strstr(docker, cases[c].argument) != NULL) != (c == changed))
                fail_msg("%s%s: %s", c == changed ? "no" : "has", cases[c].argument, server);
        homelab_plan_unref(plan);
        homelab_planner_free(planner);
        homelab_opts_free(opts);
    }
    homelab_inventory_unref(inventory);
}

/* Whether a model is served for embeddings: by its roles, its capabilities, its header. It is
 * planned and run so, in batches that are computed at once. */
static void embedding_models(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *header;
        bool embeds;
    } cases[] = {
        {"", "nomic-embed-text-v1.5.F16", true},
        {"roles: [embed]", "nomic-embed-text-v1.5.F16", true},
        {"", "qwen2.5-0.5b.Q4_K_M", false},
        {"roles: [embed]", "qwen2.5-0.5b.Q4_K_M", true},
        {"roles: [embed, chat]", "qwen2.5-0.5b.Q4_K_M", false},
        {"capabilities: [embedding]", "qwen2.5-0.5b.Q4_K_M", true},
        {"capabilities: [completion, embedding]", "qwen2.5-0.5b.Q4_K_M", false},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char text[1024];
        homelab_planner *planner = NULL;
        homelab_plan *plan = NULL;
        homelab_opts *opts = NULL;
        homelab_estimate *estimate = NULL;
        homelab_gguf *header = header_of(cases[c].header);
        snprintf(text, sizeof text, NODES "models:\n  m: {context: 2048, %s}\n", cases[c].keys);
        homelab_inventory *inventory = inventory_of(text);
        assert_int_equal(homelab_planner_new(&planner, inventory, NULL), 0);
        assert_int_equal(homelab_planner_set_header(planner, "m", header), 0);
        assert_int_equal(homelab_planner_plan(planner, &plan), 0);
        assert_int_equal(homelab_opts_new(&opts), 0);
        assert_int_equal(homelab_opts_set_int(opts, "vram.context", 2048), 0);
        assert_int_equal(homelab_opts_set_int(opts, "vram.parallel", 1), 0);
        assert_int_equal(homelab_opts_set_bool(opts, "vram.embeddings", cases[c].embeds), 0);
        assert_int_equal(homelab_opts_set_int(opts, "vram.batch", cases[c].embeds ? 512 : 2048), 0);
        assert_int_equal(homelab_estimate_new(&estimate, header, opts), 0);
        const char *server = homelab_plan_model_llama_server(plan, 0);
        const char *arguments = strstr(server, " --batch-size 512 --embeddings ");
        if ((arguments != NULL) != cases[c].embeds)
            fail_msg("case %zu: %s", c, server);
        assert_true(homelab_plan_part_compute(plan, 0, 1) ==
                    homelab_estimate_compute_bytes(estimate, 1) +
                        homelab_estimate_output_buffer_bytes(estimate));
        homelab_estimate_unref(estimate);
        homelab_opts_free(opts);
        homelab_plan_unref(plan);
        homelab_planner_free(planner);
        homelab_inventory_unref(inventory);
        homelab_gguf_unref(header);
    }
}

static void urls_in_commands(void **state)
{
    (void)state;
    homelab_plan *plan = plan_of(
        NODES "models:\n  m: {size_gib: 5, file: \"https://h/a b.gguf?x=1&y\", mmproj: "
              "\"http://h/p.gguf\"}\n  n: {size_gib: 5, file: https.gguf, mmproj: h/p.gguf}\n",
        NULL);
    const char *commands[] = {homelab_plan_model_llama_server(plan, 0),
                              homelab_plan_model_docker(plan, 0)};
    for (size_t c = 0; c < 2; c++) {
        assert_non_null(strstr(commands[c], "--model-url 'https://h/a b.gguf?x=1&y' "));
        assert_non_null(strstr(commands[c], " --mmproj-url http://h/p.gguf "));
    }
    const char *server = homelab_plan_model_llama_server(plan, 1);
    assert_non_null(strstr(server, "--model https.gguf "));
    assert_non_null(strstr(server, " --mmproj h/p.gguf "));
    homelab_plan_unref(plan);
}

/* They count where a model is split: the first GPU gets fewer layers. */
static void beside_a_split(void **state)
{
    (void)state;
    homelab_plan *plan = plan_with_all("  m: {pin: b, context: 98304, kv_types: [f16]}\n");
    assert_int_equal(homelab_plan_part_count(plan, 0), 3);
    assert_string_equal(device_of(plan, "m", 0), "b/gpu0");
    int64_t projector_and_draft = 0, first = 0;
    struct bytes alone[2] = {{0}};
    add_needs(alone, "mmproj-qwen2.5-vl-7b.F16", true, -1, 98304, 1, 1);
    add_needs(alone, "qwen2.5-0.5b.Q4_K_M", true, -1, 98304, 1, 1);
    projector_and_draft = alone[0].weights + alone[0].context + alone[0].compute;
    char split[64];
    first = (12 * GIB - projector_and_draft) >> 20;
    snprintf(split, sizeof split, "--tensor-split %lld,10240 ", (long long)first);
    assert_non_null(strstr(homelab_plan_model_llama_server(plan, 0), split));
    homelab_plan_unref(plan);
}

static void roles_of_headers(void **state)
{
    (void)state;
    homelab_inventory *inventory =
        inventory_of(NODES "models:\n  m: {vram_gib: 5, mmproj: p.gguf}\n");
    homelab_planner *planner = NULL;
    homelab_plan *plan = NULL;
    homelab_gguf *model = header_of("qwen2.5-0.5b.Q4_K_M");
    homelab_gguf *projector = header_of("mmproj-llava-1.5-7b.F16");
    assert_int_equal(homelab_planner_new(&planner, inventory, NULL), 0);
    assert_int_equal(homelab_planner_set_projector(planner, "m", model), HOMELAB_E_INVALID);
    assert_int_equal(homelab_planner_set_header(planner, "m", projector), HOMELAB_E_INVALID);
    assert_int_equal(homelab_planner_set_draft(planner, "m", projector), HOMELAB_E_INVALID);
    assert_non_null(strstr(homelab_error_message(), "found an image projector"));
    assert_int_equal(homelab_planner_set_draft(planner, "x", model), HOMELAB_E_NOT_FOUND);
    assert_int_equal(homelab_planner_set_projector(planner, "m", projector), 0);
    assert_int_equal(homelab_planner_set_projector(planner, "m", projector), 0);
    /* A size that was seen has it all. */
    assert_int_equal(homelab_planner_plan(planner, &plan), 0);
    assert_true(homelab_plan_device_planned(plan, 0) == 5 * GIB);
    assert_non_null(strstr(homelab_plan_model_llama_server(plan, 0), "--mmproj p.gguf"));
    homelab_plan_unref(plan);
    homelab_gguf_unref(model);
    homelab_gguf_unref(projector);
    homelab_planner_free(planner);
    homelab_inventory_unref(inventory);
}

/* --- The room that is left --- */

#define SMALL_NODES                                                                                \
    "nodes:\n"                                                                                     \
    "  a: {ram_gib: 32, gpus: [{memory_gib: 8, vendor: nvidia}, {memory_gib: 4, vendor: "          \
    "nvidia}]}\n"

/* Models named v… have the header of a 7B, those named l… that of a 1B, in an inventory with the
 * given nodes. */
static homelab_plan *plan_of_headers(const char *nodes, const char *models, int least_share)
{
    char text[4096];
    homelab_planner *planner = NULL;
    homelab_plan *plan = NULL;
    homelab_opts *opts = NULL;
    snprintf(text, sizeof text, "%smodels:\n%s", nodes, models);
    homelab_inventory *inventory = inventory_of(text);
    assert_int_equal(homelab_opts_new(&opts), 0);
    assert_int_equal(homelab_opts_set_int(opts, "plan.least_share", least_share), 0);
    assert_int_equal(homelab_planner_new(&planner, inventory, opts), 0);
    for (size_t i = 0; i < homelab_inventory_model_count(inventory); i++) {
        const char *name = homelab_inventory_model_name(inventory, i);
        if (*name == 'v' || *name == 'l')
            give(planner, homelab_planner_set_header, name,
                 *name == 'v' ? "qwen2.5-vl-7b.Q4_K_M" : "llama-3.2-1b.Q4_K_M");
    }
    if (homelab_planner_plan(planner, &plan))
        fail_msg("%s", homelab_error_message());
    homelab_planner_free(planner);
    homelab_opts_free(opts);
    homelab_inventory_unref(inventory);
    return plan;
}

#define FULL "  m: {size_gib: 5, pin: a/gpu0}\n  n: {size_gib: 3.9, pin: a/gpu1}\n"

struct rest_case {
    const char *models;
    int least_share;
    const char *device; /* of the last model */
    bool rest;
};

static void room_that_is_left(void **state)
{
    (void)state;
    static const struct rest_case cases[] = {
        /* 3 GiB are left of 8: a part fits, or all of it with the other GPU. */
        {FULL "  v: {pin: a}\n", 25, "a/gpu0", true},
        {FULL "  v: {pin: a, cpu: false}\n", 25, "a/gpu0", true},
        {"  m: {size_gib: 5, pin: a/gpu0}\n  v: {pin: a}\n", 100, "a/gpu0", true},
        /* Layers may be kept together, by all or for one model. */
        {FULL "  v: {pin: a}\n", 100, "a/cpu", false},
        {FULL "  v: {gpu_layers: 29}\n", 25, "a/cpu", false},
        {FULL "  v: {gpu_layers: 0}\n", 25, "a/cpu", false},
        /* Too little is left to be worth a process. */
        {"  m: {size_gib: 7, pin: a/gpu0}\n  n: {size_gib: 3, pin: a/gpu1}\n  v: {pin: a}\n", 25,
         "a/cpu", false},
        /* Another set has the room. */
        {"  m: {size_gib: 5, pin: a/gpu0, sets: [day]}\n  v: {pin: a, sets: [night]}\n", 25,
         "a/gpu0", false},
        {"  m: {size_gib: 7.9, pin: a/gpu0, sets: [day]}\n  n: {size_gib: 5, pin: a/gpu0, "
         "sets: [night]}\n  v: {pin: a/gpu0, cpu: false, sets: [night]}\n",
         25, "a/gpu0", true},
        {"  m: {size_gib: 7.9, pin: a/gpu0, sets: [day]}\n  n: {size_gib: 5, pin: a/gpu0, "
         "sets: [night]}\n  v: {pin: a/gpu0, cpu: false, sets: [night, day]}\n",
         25, "left out", false},
        /* Not beside what it must be apart from. */
        {FULL "  v: {pin: a, apart: [m]}\n", 25, "a/cpu", false},
        /* The first by priority has it. */
        {FULL "  v1: {pin: a, priority: 50}\n  v: {pin: a, priority: 51}\n", 25, "a/gpu0", true},
        {FULL "  v1: {pin: a, priority: 50}\n  v: {pin: a, priority: 49}\n", 25, "a/cpu", false},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        homelab_plan *plan = plan_of_headers(SMALL_NODES, cases[c].models, cases[c].least_share);
        size_t last = homelab_plan_model_count(plan) - 1;
        const char *why = homelab_plan_model_why(plan, last);
        bool rest = strstr(why, "in the room that the others leave") != NULL;
        if (strcmp(device_of(plan, "v", 0), cases[c].device) != 0 || rest != cases[c].rest)
            fail_msg("case %zu: on %s, %s", c, device_of(plan, "v", 0), why);
        assert_true(homelab_plan_is_optimal(plan));
        if (rest)
            assert_in_range(homelab_plan_model_layers(plan, last), 8, 29);
        homelab_plan_unref(plan);
    }
}

/* Main memory too small for all of them at once does not keep a plan from being proven where what
 * is on CPUs in the end has room. */
static void short_main_memory(void **state)
{
    (void)state;
    char models[2048];
    size_t length = 0;
    for (int i = 0; i < 18; i++)
        length += (size_t)snprintf(models + length, sizeof models - length,
                                   "  l%d: {priority: %d, context: %d}\n", i, 100 + i * 7 % 13,
                                   2048 + 256 * i);
    homelab_plan *plan =
        plan_of_headers("nodes:\n  a: {ram_gib: 12, gpus: [{memory_gib: 8, bandwidth_gbs: 900}, "
                        "{memory_gib: 7, bandwidth_gbs: 300}]}\n",
                        models, 25);
    assert_int_equal(homelab_plan_status(plan), HOMELAB_PLAN_COMPLETE);
    assert_true(homelab_plan_is_optimal(plan));
    for (size_t d = 0; d < homelab_plan_device_count(plan); d++)
        assert_true(homelab_plan_device_planned(plan, d) <= homelab_plan_device_capacity(plan, d));
    homelab_plan_unref(plan);
}

/* A GPU that is full does not keep the others from sharing a model. */
static void split_without_the_full(void **state)
{
    (void)state;
    homelab_plan *plan =
        plan_of_headers("nodes:\n  a: {ram_gib: 32, gpus: [{memory_gib: 2.2}, {memory_gib: 3}, "
                        "{memory_gib: 2.4}]}\n",
                        "  m: {size_gib: 3, pin: a/gpu1}\n  v: {context: 8192}\n", 25);
    assert_string_equal(device_of(plan, "v", 0), "a/gpu0");
    assert_int_equal(homelab_plan_part_count(plan, 1), 3);
    assert_int_equal(homelab_plan_part_device(plan, 1, 1), 2);
    homelab_plan_unref(plan);
}

/* A model is split over eight GPUs at most, those with the most room; alone it has any. */
static void more_gpus_than_a_split(void **state)
{
    (void)state;
    char nodes[1024], models[1024];
    size_t length = (size_t)snprintf(nodes, sizeof nodes, "nodes:\n  a: {ram_gib: 32, gpus: [");
    for (int gpu = 0; gpu < 10; gpu++)
        length += (size_t)snprintf(nodes + length, sizeof nodes - length, "%s{memory_gib: 2.2}",
                                   gpu ? ", " : "");
    snprintf(nodes + length, sizeof nodes - length, "]}\n");
    length = 0;
    for (int model = 0; model < 10; model++)
        length += (size_t)snprintf(models + length, sizeof models - length,
                                   "  l%d: {pin: a, cpu: false, context: 4096}\n", model);
    homelab_plan *plan = plan_of_headers(nodes, models, 25);
    assert_int_equal(homelab_plan_status(plan), HOMELAB_PLAN_COMPLETE);
    assert_true(homelab_plan_is_optimal(plan));
    homelab_plan_unref(plan);
    plan = plan_of_headers(
        "nodes:\n  a: {ram_gib: 32, gpus: [{memory_gib: 1}, {memory_gib: 1}, {memory_gib: 1}, "
        "{memory_gib: 1}, {memory_gib: 1}, {memory_gib: 1}, {memory_gib: 1}, {memory_gib: 1}, "
        "{memory_gib: 4}, {memory_gib: 4}]}\n",
        "  v: {context: 8192}\n", 25);
    assert_int_equal(homelab_plan_part_count(plan, 0), 3);
    assert_string_equal(device_of(plan, "v", 0), "a/gpu8");
    assert_int_equal(homelab_plan_part_device(plan, 0, 1), 9);
    homelab_plan_unref(plan);
}

/* No build of llama.cpp drives two vendors' cards, and a driver counts those of its vendor. */
static void vendors(void **state)
{
    (void)state;
    homelab_plan *plan = plan_of_headers(
        "nodes:\n  b: {ram_gib: 4, gpus: [{memory_gib: 4}]}\n"
        "  a: {ram_gib: 32, gpus: [{memory_gib: 4, vendor: nvidia}, {memory_gib: 5, vendor: amd}, "
        "{memory_gib: 4, vendor: nvidia}, {memory_gib: 4, vendor: amd}]}\n",
        "  v: {pin: a, context: 8192, kv_types: [f16]}\n  l: {pin: a/gpu2, context: 4096}\n"
        "  m: {size_gib: 1, pin: a/gpu3}\n",
        25);
    const struct {
        size_t model;
        const char *server, *docker, *ollama;
    } expected[] = {
        {0, " --device ROCm0,ROCm1 ", " -e HIP_VISIBLE_DEVICES=0,1 ", " ROCR_VISIBLE_DEVICES=0,1"},
        {1, " --device CUDA1 ", " --gpus '\"device=1\"' ", " CUDA_VISIBLE_DEVICES=1"},
        {2, " --device ROCm1 ", " -e HIP_VISIBLE_DEVICES=1 ", " ROCR_VISIBLE_DEVICES=1"},
    };
    for (size_t i = 0; i < 3; i++) {
        size_t model = expected[i].model;
        assert_non_null(strstr(homelab_plan_model_llama_server(plan, model), expected[i].server));
        assert_non_null(strstr(homelab_plan_model_docker(plan, model), expected[i].docker));
        assert_non_null(strstr(homelab_plan_model_ollama(plan, model), expected[i].ollama));
    }
    assert_int_equal(homelab_plan_part_count(plan, 0), 3);
    homelab_plan_unref(plan);
    /* Neither a split nor a part over both. */
    plan = plan_of_headers("nodes:\n  a: {ram_gib: 32, gpus: [{memory_gib: 4, vendor: nvidia}, "
                           "{memory_gib: 4, vendor: amd}]}\n",
                           "  v: {context: 8192, kv_types: [f16]}\n", 25);
    assert_int_equal(homelab_plan_part_count(plan, 0), 2);
    assert_in_range(homelab_plan_model_layers(plan, 0), 1, 28);
    homelab_plan_unref(plan);
}

/* The most wanted type that fits, on CPUs as on GPUs. */
static void types_on_the_cpu(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *kv; /* NULL: left out */
    } cases[] = {
        {"", "f16"},
        {", kv_types: [q4_0]", "q4_0"},
        {", kv_types: [q8_0, f16]", "q8_0"},
        {", context: 65536", "q8_0"},
        {", context: 65536, kv_types: [f16]", NULL},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char models[256];
        snprintf(models, sizeof models, "  l: {pin: a/cpu%s}\n", cases[c].keys);
        homelab_plan *plan = plan_of_headers("nodes:\n  a: {ram_gib: 2.5}\n", models, 25);
        const char *kv = homelab_plan_model_kv(plan, 0), *expected = cases[c].kv;
        if (!kv || !expected ? kv != expected : strcmp(kv, expected) != 0)
            fail_msg("case %zu: %s", c, kv ? kv : "left out");
        homelab_plan_unref(plan);
    }
}

/* Memory of unknown size takes what a GPU's server keeps there, and no model alone. */
static void main_memory_of_unknown_size(void **state)
{
    (void)state;
    homelab_plan *plan =
        plan_of_headers("nodes:\n  a: {gpus: [{memory_gib: 3}]}\n",
                        "  l: {context: 4096}\n  l2: {pin: a/cpu}\n  v: {cpu: false}\n"
                        "  m: {size_gib: 0.1, pin: a/cpu}\n",
                        25);
    assert_string_equal(device_of(plan, "l", 0), "a/gpu0");
    assert_string_equal(device_of(plan, "l2", 0), "left out");
    assert_string_equal(device_of(plan, "m", 0), "left out");
    assert_true(homelab_plan_device_planned(plan, 1) > 0);
    homelab_plan_unref(plan);
}

/* More layers than a model has are all of them, with the output layer. */
static void layers_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int64_t layers;
        const char *argument;
    } cases[] = {
        {"  l: {gpu_layers: 100}\n", 17, " --n-gpu-layers 17 "},
        {"  l: {gpu_layers: 17}\n", 17, " --n-gpu-layers 17 "},
        {"  l: {gpu_layers: 5}\n", 5, " --n-gpu-layers 5 "},
        {"  m: {vram_gib: 3, layers: 10, gpu_layers: 40}\n", 11, " --n-gpu-layers 11 "},
        {"  m: {vram_gib: 3, layers: 10, gpu_layers: 4}\n", 4, " --n-gpu-layers 4 "},
        {"  m: {vram_gib: 3, layers: 10}\n", -1, " --n-gpu-layers 999 "},
        {"  m: {vram_gib: 3, gpu_layers: 40}\n", 40, " --n-gpu-layers 40 "},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        homelab_plan *plan = plan_of_headers(SMALL_NODES, cases[c].model, 25);
        int64_t layers = homelab_plan_model_layers(plan, 0);
        const char *server = homelab_plan_model_llama_server(plan, 0);
        if (layers != cases[c].layers || !strstr(server, cases[c].argument))
            fail_msg("case %zu: %d layers, %s", c, (int)layers, server);
        homelab_plan_unref(plan);
    }
}

/* As many layers as there is room for: one more does not fit. */
static void all_the_room_that_is_left(void **state)
{
    (void)state;
    homelab_plan *plan = plan_of_headers(
        SMALL_NODES,
        "  m: {size_gib: 5, pin: a/gpu0}\n  v: {pin: a/gpu0, cpu: false, kv_types: [f16]}\n", 25);
    int64_t layers = homelab_plan_model_layers(plan, 1);
    for (int more = 0; more < 2; more++) {
        struct bytes needs[2] = {{0}};
        add_needs(needs, "qwen2.5-vl-7b.Q4_K_M", true, layers + more, 8192, 1, 1);
        int64_t total =
            needs[0].weights + needs[0].context + needs[0].compute + ((int64_t)457 << 20);
        assert_int_equal(total <= 3 * GIB, !more);
    }
    homelab_plan_unref(plan);
}

/* Whatever the room: nothing is taken twice, and no level of the objective is worse than with
 * layers kept together. */
static void never_worse(void **state)
{
    (void)state;
    for (int tenths = 10; tenths < 160; tenths += 7) {
        char nodes[256];
        snprintf(nodes, sizeof nodes,
                 "nodes:\n  a: {ram_gib: 9, gpus: [{memory_gib: %d.%d, vendor: nvidia}, "
                 "{memory_gib: 4, vendor: nvidia}]}\n",
                 tenths / 10, tenths % 10);
        static const char models[] = "  v: {priority: 90}\n  l: {replicas: 2}\n  v2: {cpu: false}\n"
                                     "  m: {size_gib: 2}\n  l2: {required: true, apart: [m]}\n";
        homelab_plan *plan = plan_of_headers(nodes, models, 25);
        homelab_plan *together = plan_of_headers(nodes, models, 100);
        size_t level = 0;
        while (level < homelab_plan_level_count(plan) &&
               homelab_plan_level(plan, level) == homelab_plan_level(together, level))
            level++;
        if (level < homelab_plan_level_count(plan) &&
            homelab_plan_level(plan, level) < homelab_plan_level(together, level))
            fail_msg("%d tenths: level %zu is worse", tenths, level);
        assert_true(homelab_plan_is_optimal(plan));
        for (size_t d = 0; d < homelab_plan_device_count(plan); d++)
            assert_true(homelab_plan_device_planned(plan, d) <=
                        homelab_plan_device_capacity(plan, d));
        assert_string_not_equal(device_of(plan, "l", 0), device_of(plan, "l", 1));
        assert_string_not_equal(device_of(plan, "l2", 0), device_of(plan, "m", 0));
        homelab_plan_unref(plan);
        homelab_plan_unref(together);
    }
}

/* A model that fits no GPU leaves one to others when that is worth more: it is split over what they
 * leave, or on one GPU. */
static void part_beside_whole(void **state)
{
    (void)state;
    homelab_plan *plan = plan_of_headers(
        SMALL_NODES, "  v: {context: 65536, kv_types: [f16]}\n  m: {size_gib: 3}\n", 25);
    assert_string_equal(device_of(plan, "m", 0), "a/gpu1");
    assert_string_equal(device_of(plan, "v", 0), "a/gpu0");
    assert_in_range(homelab_plan_model_layers(plan, 0), 20, 28);
    homelab_plan_unref(plan);
}

/* --- Fits, on a memory model with known answers --- */

/* A layer takes 100 MiB, 1000 tokens of context 50, the buffers 200, and 400 more when the CPU has
 * layers; experts are 80 of a layer's 100. */
static int simple_needs(struct hl_way *way, const struct hl_ask *ask, const homelab_opts *opts)
{
    (void)opts;
    const int64_t mib = 1 << 20;
    *way = (struct hl_way){.gpu_count = 1,
                           .part_count = 1,
                           .layers = ask->layers,
                           .context = ask->context,
                           .cpu_experts = ask->cpu_experts};
    way->parts[0].weights = (100 * ask->layers - 80 * ask->cpu_experts) * mib;
    way->parts[0].context = ask->context / 1000 * 50 * mib;
    way->parts[0].compute = (ask->layers <= 32 ? 600 : 200) * mib;
    return 0;
}

static void fits(void **state)
{
    (void)state;
    struct hl_plan_device device = {.gpu = 0};
    struct hl_ask ask = {.devices = &device, .gpu_count = 1, .layers = 33, .context = 1000};
    for (int64_t mib = 0; mib < 4500; mib += 37) {
        struct hl_way way = {.layers = -1};
        bool found;
        int64_t most = 0, context = 0, experts = -1;
        device.capacity = mib << 20;
        for (int64_t layers = 1; layers <= 32; layers++)
            most = 100 * layers + 650 <= mib ? layers : most;
        most = 33 * 100 + 250 <= mib ? 33 : most;
        assert_int_equal(hl_fit_layers(&way, &found, ask, 32, simple_needs, NULL), 0);
        assert_int_equal(found, most > 0);
        assert_true(!found || way.layers == most);
        for (int64_t tokens = 256; tokens <= 16384; tokens += 256)
            context = 3300 + tokens / 1000 * 50 + 200 <= mib ? tokens : context;
        ask.context = 16384;
        assert_int_equal(hl_fit_context(&way, &found, ask, 16384, simple_needs, NULL), 0);
        assert_int_equal(found, context > 0);
        assert_true(!found || way.context == context);
        ask.context = 1000;
        for (int64_t n = 32; n >= 1; n--)
            experts = 3300 - 80 * n + 250 <= mib ? n : experts;
        assert_int_equal(hl_fit_experts(&way, &found, ask, 32, simple_needs, NULL), 0);
        assert_int_equal(found, experts > 0);
        assert_true(!found || way.cpu_experts == experts);
    }
}

/* --- The object --- */

static void texts(void **state)
{
    (void)state;
    homelab_plan *plan = plan_of(
        NODES "models:\n  \"<m> & 'n'\": {size_gib: 10, file: \"a b.gguf\"}\n  x: {size_gib: 99}\n",
        NULL);
    char *svg = homelab_plan_svg(plan), *json = homelab_plan_json(plan);
    assert_non_null(strstr(svg, "&lt;m&gt; &amp;"));
    assert_null(strstr(svg, "<m>"));
    assert_non_null(strstr(json, "\"left_out\":[{\"name\":\"x\""));
    assert_non_null(strstr(homelab_plan_model_llama_server(plan, 0), "--model 'a b.gguf'"));
    assert_null(homelab_plan_model_llama_server(plan, 1));
    assert_non_null(strstr(homelab_plan_model_why(plan, 1), "85.0 GiB more there would do"));
    homelab_free(svg);
    homelab_free(json);
    homelab_plan_unref(plan);
}

static void nulls(void **state)
{
    (void)state;
    homelab_planner_free(NULL);
    homelab_plan_unref(NULL);
    assert_null(homelab_plan_ref(NULL));
    assert_int_equal(homelab_plan_status(NULL), -1);
    assert_int_equal(homelab_plan_model_count(NULL), 0);
    assert_int_equal(homelab_plan_device_count(NULL), 0);
    assert_null(homelab_plan_model_name(NULL, 0));
    assert_null(homelab_plan_json(NULL));
    assert_null(homelab_plan_svg(NULL));
    assert_null(homelab_plan_diff(NULL, NULL));
    assert_int_equal(homelab_planner_new(NULL, NULL, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_planner_plan(NULL, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_planner_set_header(NULL, "m", NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_planner_set_projector(NULL, "m", NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_planner_set_draft(NULL, "m", NULL), HOMELAB_E_INVALID);
    assert_null(homelab_inventory_model_mmproj(NULL, 0));
    assert_null(homelab_inventory_model_draft(NULL, 0));
    assert_int_equal(homelab_planner_set_used(NULL, "m", 0, 0), HOMELAB_E_INVALID);
}

static void wrong_roles(void **state)
{
    (void)state;
    homelab_inventory *inventory = inventory_of(NODES "models:\n  m: {size_gib: 1}\n");
    homelab_opts *opts = NULL;
    homelab_planner *planner = NULL;
    homelab_plan *plan = NULL;
    assert_int_equal(homelab_opts_new(&opts), 0);
    assert_int_equal(homelab_opts_set_string(opts, "plan.roles", "code,cooking"), 0);
    assert_int_equal(homelab_planner_new(&planner, inventory, opts), 0);
    assert_int_equal(homelab_planner_plan(planner, &plan), HOMELAB_E_OPTION_VALUE);
    assert_non_null(strstr(homelab_error_message(), "found 'cooking'"));
    homelab_planner_free(planner);
    homelab_opts_free(opts);
    homelab_inventory_unref(inventory);
}

static void *in_thread(void *planner)
{
    homelab_plan *plan = NULL;
    homelab_planner_plan(planner, &plan);
    return plan;
}

static void threads_and_forks(void **state)
{
    (void)state;
    homelab_inventory *inventory = inventory_of(NODES "models:\n  m: {size_gib: 10}\n");
    homelab_planner *planner = NULL;
    pthread_t thread;
    void *plan = NULL;
    assert_int_equal(homelab_planner_new(&planner, inventory, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, in_thread, planner), 0);
    assert_int_equal(pthread_join(thread, &plan), 0);
    assert_string_equal(device_of(plan, "m", 0), "a/gpu0");
    pid_t child = fork();
    if (child == 0) {
        homelab_plan *own = in_thread(planner);
        _exit(homelab_plan_status(own) == HOMELAB_PLAN_COMPLETE ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    homelab_plan_unref(plan);
    homelab_planner_free(planner);
    homelab_inventory_unref(inventory);
}

static int make_all(void *userdata)
{
    homelab_inventory *inventory = userdata;
    homelab_planner *planner = NULL;
    homelab_plan *plan = NULL;
    int code = homelab_planner_new(&planner, inventory, NULL);
    if (code)
        return failmalloc_failed(code);
    code = homelab_planner_set_used(planner, "b", 1, GIB);
    if (!code)
        code = homelab_planner_plan(planner, &plan);
    if (code) {
        failmalloc_failed(code);
        homelab_planner_free(planner);
        return code;
    }
    char *svg = homelab_plan_svg(plan);
    if (!svg)
        code = failmalloc_failed(HOMELAB_E_NOMEM);
    char *json = homelab_plan_json(plan);
    if (!json)
        code = failmalloc_failed(HOMELAB_E_NOMEM);
    char *change = homelab_plan_diff(plan, plan);
    if (!change)
        code = failmalloc_failed(HOMELAB_E_NOMEM);
    homelab_free(svg);
    homelab_free(json);
    homelab_free(change);
    homelab_plan_unref(plan);
    homelab_planner_free(planner);
    return code;
}

static void memory(void **state)
{
    (void)state;
    homelab_inventory *inventory =
        inventory_of(NODES "models:\n  m: {size_gib: 10, sets: [d], replicas: 2}\n"
                           "  n: {size_gib: 50}\n");
    fail_each_allocation(make_all, inventory);
    homelab_inventory_unref(inventory);
}

struct loaded {
    homelab_inventory *inventory;
    homelab_opts *opts;
    homelab_gguf *model, *projector;
};

static int make_with_headers(void *userdata)
{
    const struct loaded *loaded = userdata;
    homelab_planner *planner = NULL;
    homelab_plan *plan = NULL;
    int code = homelab_planner_new(&planner, loaded->inventory, loaded->opts);
    if (code)
        return failmalloc_failed(code);
    code = homelab_planner_set_header(planner, "l", loaded->model);
    if (!code)
        code = homelab_planner_set_projector(planner, "l", loaded->projector);
    if (!code)
        code = homelab_planner_set_draft(planner, "l", loaded->model);
    if (!code)
        code = homelab_planner_plan(planner, &plan);
    if (code)
        failmalloc_failed(code);
    homelab_plan_unref(plan);
    homelab_planner_free(planner);
    return code;
}

static void memory_with_headers(void **state)
{
    (void)state;
    struct loaded loaded = {
        .inventory = inventory_of("nodes:\n  a: {gpus: [{memory_gib: 0.06}]}\n"
                                  "models:\n  m: {size_gib: 0.02, priority: 200}\n"
                                  "  l: {context: 256, kv_types: [f16], cpu: false}\n"),
        .model = gguf_small_model(),
        .projector = gguf_small_projector(),
    };
    homelab_planner *planner = NULL;
    homelab_plan *plan = NULL;
    assert_int_equal(homelab_opts_new(&loaded.opts), 0);
    assert_int_equal(homelab_opts_set_int(loaded.opts, "vram.overhead_cuda_mib", 0), 0);
    fail_each_allocation(make_with_headers, &loaded);
    /* It went through all of it. */
    assert_int_equal(homelab_planner_new(&planner, loaded.inventory, loaded.opts), 0);
    assert_int_equal(homelab_planner_set_header(planner, "l", loaded.model), 0);
    assert_int_equal(homelab_planner_set_projector(planner, "l", loaded.projector), 0);
    assert_int_equal(homelab_planner_set_draft(planner, "l", loaded.model), 0);
    assert_int_equal(homelab_planner_plan(planner, &plan), 0);
    assert_non_null(strstr(homelab_plan_model_why(plan, 1), "in the room that the others leave"));
    homelab_plan_unref(plan);
    homelab_planner_free(planner);
    homelab_gguf_unref(loaded.model);
    homelab_gguf_unref(loaded.projector);
    homelab_opts_free(loaded.opts);
    homelab_inventory_unref(loaded.inventory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules),
        cmocka_unit_test(reasons),
        cmocka_unit_test(apart_and_replicas),
        cmocka_unit_test(apart_on_many_devices),
        cmocka_unit_test(limits),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(readings),
        cmocka_unit_test(readings_without_end),
        cmocka_unit_test(fits),
        cmocka_unit_test(texts),
        cmocka_unit_test(nulls),
        cmocka_unit_test(wrong_roles),
        cmocka_unit_test(memory),
        cmocka_unit_test(threads_and_forks),
        cmocka_unit_test(beside),
        cmocka_unit_test(options_in_commands),
        cmocka_unit_test(embedding_models),
        cmocka_unit_test(urls_in_commands),
        cmocka_unit_test(types_on_the_cpu),
        cmocka_unit_test(beside_a_split),
        cmocka_unit_test(roles_of_headers),
        cmocka_unit_test(room_that_is_left),
        cmocka_unit_test(all_the_room_that_is_left),
        cmocka_unit_test(never_worse),
        cmocka_unit_test(part_beside_whole),
        cmocka_unit_test(memory_with_headers),
        cmocka_unit_test(runtimes),
        cmocka_unit_test(short_main_memory),
        cmocka_unit_test(split_without_the_full),
        cmocka_unit_test(more_gpus_than_a_split),
        cmocka_unit_test(layers_asked_for),
        cmocka_unit_test(main_memory_of_unknown_size),
        cmocka_unit_test(vendors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
