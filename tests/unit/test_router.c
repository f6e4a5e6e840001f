/* Decisions: filters, preference, gate, affinity, rules, feedback. Snapshots are parsed from JSON,
 * so that a test says just what it needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/json.h"
#include "route/router_private.h"
#include "support/failmalloc.h"

#include <homelab/homelab.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INVENTORY                                                                                  \
    "tiers: {local: {}, remote: {}, gateway: {gateway: true}}\n"                                   \
    "nodes: {gpu0: {host: h0, gpus: [{name: A, memory_gib: 24, bandwidth_gbs: 1000}]}, "           \
    "nas: {host: h2}}\n"                                                                           \
    "endpoints:\n"                                                                                 \
    "  o: {url: 'http://h0:11434', tier: local, backend: ollama, node: gpu0}\n"                    \
    "  l: {url: 'http://h1:8080/v1/models', tier: remote, backend: llamacpp, api_key: 'env:K'}\n"  \
    "  n: {url: 'http://h2:11434', tier: remote, backend: ollama, node: nas}\n"                    \
    "  g: {url: 'https://h3/llm/v1/models', tier: gateway, backend: litellm}\n"

struct lab {
    homelab_inventory *inventory;
    homelab_snapshot *snapshot;
    homelab_router *router;
    homelab_request *request;
    homelab_decision *decision;
    homelab_opts *opts;
};

/* What a test says of an endpoint's models: "name/loaded/abilities/context", separated by commas.
 */
struct state {
    const char *id;
    const char *verdict, *cause;
    const char *models;
};

static void put_models(FILE *out, const char *models)
{
    char name[64], abilities[64];
    int loaded, read = 0;
    long context;
    const char *comma = "";
    while (models && sscanf(models, "%63[^/]/%d/%63[^/]/%ld%n", name, &loaded, abilities, &context,
                            &read) == 4) {
        fprintf(out, "%s{\"name\":\"%s\",\"loaded\":%s,\"capabilities\":[", comma, name,
                loaded < 0 ? "null"
                : loaded   ? "true"
                           : "false");
        const char *inner = "";
        for (const char *a = abilities; *a; a++) {
            const char *word = *a == 'c'   ? "completion"
                               : *a == 'e' ? "embedding"
                               : *a == 'v' ? "vision"
                               : *a == 't' ? "tools"
                                           : NULL;
            if (word) {
                fprintf(out, "%s\"%s\"", inner, word);
                inner = ",";
            }
        }
        fprintf(out, "],\"context\":%ld,\"size_bytes\":4700000000,\"vram_bytes\":null}", context);
        comma = ",";
        models += read;
        models += *models == ',';
    }
}

/* The parser wants all of a snapshot's keys, so an assumed one is taken and changed. */
static homelab_snapshot *snapshot_of(homelab_inventory *inventory, const struct state *states,
                                     size_t count)
{
    homelab_snapshot *assumed = NULL, *made = NULL;
    assert_int_equal(homelab_snapshot_assume(&assumed, inventory), 0);
    char *json = homelab_snapshot_json(assumed);
    cJSON *root = cJSON_Parse(json);
    assert_non_null(root);
    homelab_free(json);
    homelab_snapshot_unref(assumed);
    cJSON *endpoint;
    cJSON_ArrayForEach(endpoint, cJSON_GetObjectItem(root, "endpoints"))
    {
        const char *id = cJSON_GetObjectItem(endpoint, "id")->valuestring;
        for (size_t i = 0; i < count; i++) {
            if (strcmp(states[i].id, id) != 0)
                continue;
            cJSON_ReplaceItemInObject(endpoint, "verdict", cJSON_CreateString(states[i].verdict));
            cJSON_ReplaceItemInObject(endpoint, "cause", cJSON_CreateString(states[i].cause));
            char *text = NULL;
            size_t length = 0;
            FILE *out = open_memstream(&text, &length);
            fputs("[", out);
            put_models(out, states[i].models);
            fputs("]", out);
            fclose(out);
            cJSON_ReplaceItemInObject(endpoint, "models", cJSON_Parse(text));
            free(text);
        }
    }
    json = cJSON_PrintUnformatted(root);
    if (homelab_snapshot_parse(&made, json, strlen(json), NULL))
        fail_msg("%s: %s", homelab_error_message(), json);
    free(json);
    cJSON_Delete(root);
    return made;
}

static const struct state usual[] = {
    {"o", "HEALTHY", "none",
     "qwen2.5-coder:7b/1/ct/8192,llama3.1:8b/0/ct/8192,nomic-embed-text/1/e/2048,"
     "qwen2.5vl:7b/0/cv/4096"},
    {"l", "HEALTHY", "none", "gpt-oss-20b/1/c/32768"},
    {"n", "HEALTHY", "none", "qwen2.5:1.5b/1/c/4096"},
    {"g", "HEALTHY", "none", "smart/-1/-/0"},
};
#define USUAL usual, sizeof usual / sizeof *usual

static void open_lab(struct lab *lab, const char *text, const struct state *states, size_t count)
{
    if (homelab_inventory_load_text(&lab->inventory, text, strlen(text), HOMELAB_FORMAT_YAML, NULL,
                                    NULL))
        fail_msg("%s", homelab_error_message());
    lab->snapshot = snapshot_of(lab->inventory, states, count);
    assert_int_equal(homelab_router_new(&lab->router, lab->inventory, lab->snapshot, lab->opts), 0);
    assert_int_equal(homelab_request_new(&lab->request, NULL), 0);
    assert_int_equal(homelab_decision_new(&lab->decision, lab->router), 0);
}

static void close_lab(struct lab *lab)
{
    homelab_decision_free(lab->decision);
    homelab_request_free(lab->request);
    homelab_router_unref(lab->router);
    homelab_snapshot_unref(lab->snapshot);
    homelab_inventory_unref(lab->inventory);
    homelab_opts_free(lab->opts);
}

static int decide(struct lab *lab, const char *text)
{
    return homelab_router_decide(lab->router, lab->request, text, text ? strlen(text) : 0,
                                 lab->decision, HOMELAB_DECIDE_EXPLAIN);
}

static int decide_task(struct lab *lab, int task)
{
    assert_int_equal(homelab_request_set_task(lab->request, task), 0);
    return decide(lab, NULL);
}

static void assert_first(const struct lab *lab, const char *endpoint, const char *model)
{
    const char *found = homelab_decision_model(lab->decision, 0);
    const char *at = homelab_decision_endpoint(lab->decision, 0);
    if (!found || strcmp(found, model) != 0 || strcmp(at, endpoint) != 0)
        fail_msg("found %s on %s, expected %s on %s", found ? found : "none", at ? at : "none",
                 model, endpoint);
}

static int why_of(const struct lab *lab, const char *model)
{
    for (size_t i = 0; i < homelab_decision_rejected_count(lab->decision); i++)
        if (strcmp(homelab_decision_rejected_model(lab->decision, i), model) == 0)
            return homelab_decision_rejected_why(lab->decision, i);
    return 0;
}

/* --- Tasks and defaults --- */

static void test_default_preference(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab, INVENTORY, USUAL);
    assert_int_equal(homelab_router_expert_count(lab.router), 7);
    assert_true(decide_task(&lab, HOMELAB_TASK_CODE) > 0);
    assert_first(&lab, "o", "qwen2.5-coder:7b");
    assert_true(decide_task(&lab, HOMELAB_TASK_REASON) > 0);
    assert_first(&lab, "l", "gpt-oss-20b");
    assert_true(decide_task(&lab, HOMELAB_TASK_VISION) > 0);
    assert_first(&lab, "o", "qwen2.5vl:7b");
    assert_int_equal(homelab_decision_count(lab.decision), 1);
    assert_true(decide_task(&lab, HOMELAB_TASK_EMBED) > 0);
    assert_first(&lab, "o", "nomic-embed-text");
    assert_int_equal(homelab_decision_count(lab.decision), 1);
    assert_true(decide_task(&lab, HOMELAB_TASK_CHAT) > 0);
    assert_int_equal(why_of(&lab, "nomic-embed-text"), HOMELAB_REJECT_CAPABILITY);
    assert_string_equal(homelab_decision_task_source(lab.decision), "request");
    close_lab(&lab);
}

static void test_declared_preference(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab,
             INVENTORY "routes: {code: [llama3.1, 'gpt-oss-20b @ l', 'llama3.1:8b @ o'], fast: "
                       "[qwen2.5:1.5b]}\n",
             USUAL);
    assert_true(decide_task(&lab, HOMELAB_TASK_CODE) > 0);
    /* The first name needs a tag, the last one is cold. */
    assert_first(&lab, "l", "gpt-oss-20b");
    assert_true(decide_task(&lab, HOMELAB_TASK_FAST) > 0);
    assert_first(&lab, "n", "qwen2.5:1.5b");
    close_lab(&lab);
}

static void test_rules_and_callback(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab,
             INVENTORY "rules:\n"
                       "  - {contains: 'PICK ME', ignore_case: true, task: reason}\n"
                       "  - {matches: '^/sql\\b', task: code}\n"
                       "  - {tag: cat, task: fast}\n",
             USUAL);
    assert_true(decide(&lab, "would you pick me please") > 0);
    assert_int_equal(homelab_decision_task(lab.decision), HOMELAB_TASK_REASON);
    assert_string_equal(homelab_decision_task_source(lab.decision), "rule");
    assert_true(decide(&lab, "/sql all of it") > 0);
    assert_int_equal(homelab_decision_task(lab.decision), HOMELAB_TASK_CODE);
    homelab_request_set_kind(lab.request, HOMELAB_REQUEST_OPENAI_CHAT);
    assert_true(decide(&lab, "{\"messages\":[{\"role\":\"user\",\"content\":\"\\u002fsql x\"}]}") >
                0);
    assert_int_equal(homelab_decision_task(lab.decision), HOMELAB_TASK_CODE);
    homelab_request_reset(lab.request);
    homelab_request_set_tag(lab.request, "cat");
    assert_true(decide(&lab, "write a long poem about the sea") > 0);
    assert_int_equal(homelab_decision_task(lab.decision), HOMELAB_TASK_FAST);
    homelab_request_reset(lab.request);
    assert_true(decide(&lab, "Write a Python function that reverses a linked list") > 0);
    assert_int_equal(homelab_decision_task(lab.decision), HOMELAB_TASK_CODE);
    assert_string_equal(homelab_decision_task_source(lab.decision), "classifier");
    close_lab(&lab);
}

#define SAYS(role, text) "{\"role\":\"" role "\",\"content\":\"" text "\"}"

/* Only the classifier reads a short message together with the one before. */
static void test_rules_see_a_short_last_message(void **state)
{
    (void)state;
    static const struct {
        const char *body, *source;
    } cases[] = {
        {"{\"messages\":[" SAYS("user", "Tell me of the town of Bamberg") "," SAYS(
             "assistant", "ok") "," SAYS("user", "/sql x") "]}",
         "rule"},
        {"{\"messages\":[" SAYS("user", "Tell me of the town of Bamberg") "," SAYS(
             "assistant", "ok") "," SAYS("user", "thanks") "]}",
         "classifier"},
        {"{\"messages\":[" SAYS("user", "Bamberg") "]}", "rule"},
    };
    struct lab lab = {0};
    open_lab(&lab,
             INVENTORY
             "rules: [{matches: '^/sql ', task: code}, {contains: Bamberg, task: reason}]\n",
             USUAL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        homelab_request_set_kind(lab.request, HOMELAB_REQUEST_OPENAI_CHAT);
        assert_true(decide(&lab, cases[i].body) > 0);
        assert_string_equal(homelab_decision_task_source(lab.decision), cases[i].source);
    }
    close_lab(&lab);
}

static int destroyed;

static void count_destroy(void *userdata)
{
    (void)userdata;
    destroyed++;
}

static int always_reason(const char *text, size_t length, int kind, void *userdata)
{
    (void)kind;
    assert_ptr_equal(userdata, &destroyed);
    return length && text[0] == '!' ? HOMELAB_TASK_REASON : HOMELAB_TASK_NONE;
}

static void test_callback(void **state)
{
    (void)state;
    struct lab lab = {0};
    destroyed = 0;
    open_lab(&lab, INVENTORY, USUAL);
    assert_int_equal(
        homelab_router_set_classifier(lab.router, always_reason, &destroyed, count_destroy), 0);
    assert_true(decide(&lab, "!hello") > 0);
    assert_int_equal(homelab_decision_task(lab.decision), HOMELAB_TASK_REASON);
    assert_string_equal(homelab_decision_task_source(lab.decision), "callback");
    assert_true(decide(&lab, "Write a Python function that sorts") > 0);
    assert_string_equal(homelab_decision_task_source(lab.decision), "classifier");
    assert_int_equal(homelab_router_set_classifier(lab.router, NULL, NULL, NULL), 0);
    /* The decision keeps the table that keeps it. */
    assert_int_equal(destroyed, 0);
    assert_true(decide(&lab, "!hello") > 0);
    assert_string_not_equal(homelab_decision_task_source(lab.decision), "callback");
    homelab_router_update(lab.router, NULL, NULL);
    assert_int_equal(destroyed, 1);
    assert_int_equal(homelab_router_set_classifier(NULL, always_reason, NULL, count_destroy),
                     HOMELAB_E_INVALID);
    assert_int_equal(destroyed, 2);
    close_lab(&lab);
}

/* --- Filters --- */

static void test_an_image_never_goes_to_a_text_model(void **state)
{
    (void)state;
    struct lab lab = {0};
    static const char body[] =
        "{\"model\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
        "\"text\":"
        "\"what is it?\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:,\"}}]}]}";
    static const struct state blind[] = {{"o", "HEALTHY", "none", "llama3.1:8b/1/c/8192"},
                                         {"l", "HEALTHY", "none", "gpt-oss-20b/1/c/32768"},
                                         {"n", "DOWN", "refused", "qwen2.5vl:7b/1/cv/8192"},
                                         {"g", "HEALTHY", "none", "smart/-1/-/0"}};
    open_lab(&lab, INVENTORY, USUAL);
    homelab_request_set_kind(lab.request, HOMELAB_REQUEST_OPENAI_CHAT);
    assert_int_equal(decide(&lab, body), 1);
    assert_first(&lab, "o", "qwen2.5vl:7b");
    assert_int_equal(homelab_decision_task(lab.decision), HOMELAB_TASK_VISION);
    close_lab(&lab);
    open_lab(&lab, INVENTORY, blind, 4);
    homelab_request_set_kind(lab.request, HOMELAB_REQUEST_OPENAI_CHAT);
    assert_int_equal(decide(&lab, body), HOMELAB_E_ROUTE_NONE);
    assert_string_equal(homelab_error_message(),
                        "route: no model for vision: 4 experts: 3 capability, 1 verdict");
    assert_int_equal(homelab_decision_retry_ms(lab.decision), -1);
    assert_int_equal(homelab_decision_reject_count(lab.decision, HOMELAB_REJECT_CAPABILITY), 3);
    /* Nor does a rule change that. */
    homelab_request_set_task(lab.request, HOMELAB_TASK_CODE);
    assert_int_equal(decide(&lab, body), HOMELAB_E_ROUTE_NONE);
    close_lab(&lab);
}

static void test_verdicts(void **state)
{
    (void)state;
    static const struct {
        const char *verdict, *cause;
        bool usable;
    } cases[] = {
        {"HEALTHY", "none", true},    {"DEGRADED", "slow", true}, {"LOADING", "loading", true},
        {"BUSY", "busy", true},       {"UNKNOWN", "none", true},  {"MISCONFIGURED", "auth", false},
        {"WEDGED", "stalled", false}, {"DOWN", "refused", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lab lab = {0};
        const struct state states[] = {
            {"o", cases[i].verdict, cases[i].cause, "llama3.1:8b/1/c/8192"},
            {"l", "DOWN", "refused", ""},
            {"n", "DOWN", "refused", ""},
            {"g", "DOWN", "refused", ""}};
        open_lab(&lab, INVENTORY, states, 4);
        int found = decide_task(&lab, HOMELAB_TASK_CHAT);
        if (found != (cases[i].usable ? 1 : HOMELAB_E_ROUTE_NONE))
            fail_msg("%s: found %d", cases[i].verdict, found);
        if (!cases[i].usable)
            assert_int_equal(why_of(&lab, "llama3.1:8b"), HOMELAB_REJECT_VERDICT);
        close_lab(&lab);
    }
}

static void test_other_filters(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab, INVENTORY "models: {absent:7b: {endpoints: [o]}}\n", USUAL);
    homelab_request_set_tokens(lab.request, 10000, 0);
    assert_true(decide_task(&lab, HOMELAB_TASK_CODE) > 0);
    assert_first(&lab, "l", "gpt-oss-20b");
    assert_int_equal(why_of(&lab, "qwen2.5-coder:7b"), HOMELAB_REJECT_CONTEXT);
    assert_int_equal(why_of(&lab, "absent:7b"), HOMELAB_REJECT_MISSING);
    homelab_request_reset(lab.request);
    homelab_request_exclude(lab.request, "o");
    assert_true(decide_task(&lab, HOMELAB_TASK_CODE) > 0);
    assert_int_equal(why_of(&lab, "qwen2.5-coder:7b"), HOMELAB_REJECT_EXCLUDED);
    homelab_request_reset(lab.request);
    homelab_request_set_pin(lab.request, NULL, "qwen2.5:1.5b");
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CODE), 1);
    assert_first(&lab, "n", "qwen2.5:1.5b");
    homelab_request_set_pin(lab.request, "l", NULL);
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CODE), 1);
    assert_first(&lab, "l", "gpt-oss-20b");
    assert_int_equal(why_of(&lab, "qwen2.5:1.5b"), HOMELAB_REJECT_PIN);
    homelab_request_reset(lab.request);
    homelab_request_set_kind(lab.request, HOMELAB_REQUEST_OLLAMA_CHAT);
    assert_true(decide(&lab, "{\"messages\":[{\"role\":\"user\",\"content\":\"hello there\"}]}") >
                0);
    assert_int_equal(why_of(&lab, "gpt-oss-20b"), HOMELAB_REJECT_DIALECT);
    assert_int_equal(homelab_decision_dialect(lab.decision, 0), HOMELAB_DIALECT_OLLAMA);
    homelab_request_reset(lab.request);
    homelab_request_require(lab.request, HOMELAB_NEED_TOOLS);
    assert_true(decide_task(&lab, HOMELAB_TASK_CHAT) > 0);
    /* Ollama would have said so; llama.cpp never does. */
    assert_int_equal(why_of(&lab, "qwen2.5:1.5b"), HOMELAB_REJECT_CAPABILITY);
    assert_int_equal(why_of(&lab, "gpt-oss-20b"), 0);
    homelab_request_reset(lab.request);
    homelab_request_set_kind(lab.request, HOMELAB_REQUEST_OPENAI_CHAT);
    assert_int_equal(decide(&lab, "{\"messages\":"), HOMELAB_E_SYNTAX);
    assert_int_equal(homelab_decision_count(lab.decision), 0);
    close_lab(&lab);
}

/* --- What a candidate tells --- */

static void test_addresses(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab, INVENTORY, USUAL);
    homelab_request_set_pin(lab.request, "o", "qwen2.5-coder:7b");
    assert_int_equal(decide(&lab, "hello"), 1);
    assert_string_equal(homelab_decision_url(lab.decision, 0), "http://h0:11434/api/chat");
    assert_string_equal(homelab_decision_base_url(lab.decision, 0), "http://h0:11434");
    assert_string_equal(homelab_decision_node(lab.decision, 0), "gpu0");
    assert_null(homelab_decision_key_reference(lab.decision, 0));
    homelab_request_set_kind(lab.request, HOMELAB_REQUEST_OPENAI_CHAT);
    assert_int_equal(decide(&lab, "{}"), 1);
    assert_string_equal(homelab_decision_url(lab.decision, 0),
                        "http://h0:11434/v1/chat/completions");
    homelab_request_set_pin(lab.request, "g", NULL);
    assert_int_equal(decide(&lab, "{}"), 1);
    assert_string_equal(homelab_decision_url(lab.decision, 0),
                        "https://h3:443/llm/v1/chat/completions");
    homelab_request_set_pin(lab.request, "l", NULL);
    assert_int_equal(decide(&lab, "{}"), 1);
    assert_string_equal(homelab_decision_base_url(lab.decision, 0), "http://h1:8080/v1");
    assert_string_equal(homelab_decision_key_reference(lab.decision, 0), "env:K");
    assert_string_equal(homelab_decision_tier(lab.decision, 0), "remote");
    homelab_request_set_kind(lab.request, HOMELAB_REQUEST_OPENAI_EMBEDDINGS);
    homelab_request_set_pin(lab.request, NULL, NULL);
    assert_int_equal(decide(&lab, "{\"input\":\"a\"}"), 1);
    assert_string_equal(homelab_decision_url(lab.decision, 0), "http://h0:11434/v1/embeddings");
    assert_null(homelab_decision_url(lab.decision, 1));
    close_lab(&lab);
}

static void test_time_for_a_cold_load(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab, INVENTORY, USUAL);
    homelab_request_set_pin(lab.request, "o", "qwen2.5-coder:7b");
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 1);
    int64_t hot_ms = homelab_decision_first_byte_ms(lab.decision, 0);
    assert_in_range(hot_ms, 120000, 125000);
    assert_int_equal(homelab_decision_loaded(lab.decision, 0), 1);
    homelab_request_set_pin(lab.request, "o", "llama3.1:8b");
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 1);
    /* 4.7 GB at 20 MB/s. */
    assert_true(homelab_decision_first_byte_ms(lab.decision, 0) >= hot_ms + 235000);
    assert_int_equal(homelab_decision_total_ms(lab.decision, 0), 3600000);
    assert_true(homelab_decision_load_s(lab.decision, 0) > 5);
    close_lab(&lab);
}

static void test_hot_over_cold(void **state)
{
    (void)state;
    static const struct state states[] = {{"o", "HEALTHY", "none", "llama3.1:8b/0/c/8192"},
                                          {"l", "DOWN", "refused", ""},
                                          {"n", "DOWN", "refused", ""},
                                          {"g", "DOWN", "refused", ""}};
    static const struct state both[] = {{"o", "HEALTHY", "none", "llama3.1:8b/0/c/8192"},
                                        {"l", "HEALTHY", "none", "llama3.1:8b/1/c/8192"},
                                        {"n", "DOWN", "refused", ""},
                                        {"g", "DOWN", "refused", ""}};
    struct lab lab = {0};
    open_lab(&lab, INVENTORY, states, 4);
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 1);
    close_lab(&lab);
    open_lab(&lab, INVENTORY, both, 4);
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 2);
    assert_first(&lab, "l", "llama3.1:8b");
    assert_true(homelab_decision_term(lab.decision, 1, HOMELAB_TERM_LOAD) < -1);
    /* Once it answered, it is loaded. */
    int64_t ticket = homelab_router_begin(lab.router, lab.decision, 1);
    assert_true(ticket > 0);
    assert_int_equal(
        homelab_router_finish(lab.router, ticket, HOMELAB_OUTCOME_OK, 12000000, 13000000, 100, -1),
        0);
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 2);
    assert_first(&lab, "o", "llama3.1:8b");
    close_lab(&lab);
}

static void test_weights_add_up(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab, INVENTORY, USUAL);
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 4);
    double sum = 0;
    for (size_t i = 0; i < 4; i++) {
        double score = 0;
        for (int term = 0; term < HOMELAB_TERM_COUNT; term++)
            score += homelab_decision_term(lab.decision, i, term);
        assert_float_equal(score, homelab_decision_score(lab.decision, i), 1e-3);
        if (i > 0)
            assert_true(homelab_decision_score(lab.decision, i - 1) >=
                        homelab_decision_score(lab.decision, i));
        sum += homelab_decision_weight(lab.decision, i);
    }
    assert_float_equal(sum, 1, 1e-6);
    assert_int_equal(homelab_decision_eligible(lab.decision), 6);
    close_lab(&lab);
}

static void test_no_text_in_an_explanation(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab, INVENTORY, USUAL);
    homelab_request_set_affinity(lab.request, "secret-key");
    homelab_request_set_tag(lab.request, "secret-tag");
    assert_true(decide(&lab, "a secret-prompt to nobody") > 0);
    char *json = homelab_decision_json(lab.decision);
    assert_non_null(json);
    assert_null(strstr(json, "secret"));
    cJSON *root = cJSON_Parse(json);
    assert_non_null(root);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(root, "candidates")), 4);
    cJSON_Delete(root);
    homelab_free(json);
    close_lab(&lab);
}

/* --- Many --- */

/* Against a plain sort, with many experts of equal and unlike scores. */
static void test_the_best_of_many(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 3, 63, 64, 65, 128, 200};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct lab lab = {0};
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        fputs("endpoints:\n", out);
        for (size_t i = 0; i < sizes[s]; i++)
            fprintf(
                out,
                "  e%zu: {url: 'http://h%zu', tier: local, backend: vllm, models: ['m-%zub']}\n", i,
                i, 1 + i * 37 % 23);
        fclose(out);
        assert_int_equal(homelab_opts_new(&lab.opts), 0);
        homelab_opts_set_int(lab.opts, "router.top_k", 16);
        open_lab(&lab, text, NULL, 0);
        free(text);
        int count = decide_task(&lab, HOMELAB_TASK_CHAT);
        assert_int_equal(count, sizes[s] < 16 ? sizes[s] : 16);
        assert_int_equal(homelab_decision_eligible(lab.decision), sizes[s]);
        const struct hl_verdict *verdict = &lab.decision->verdict;
        const struct hl_table *table = lab.decision->table;
        for (size_t i = 0; i < table->count; i++) {
            size_t better = 0;
            for (size_t j = 0; j < table->count; j++) {
                float mine = table->experts[i].base[HL_CAP_CHAT];
                float other = table->experts[j].base[HL_CAP_CHAT];
                better += other > mine || (j < i && other >= mine);
            }
            if (better < (size_t)count)
                assert_int_equal(verdict->top[better].expert, i);
        }
        close_lab(&lab);
    }
}

/* Groups of unlike sizes across blocks, requests in flight, failures, and much that is rejected. */
static void open_crowd(struct lab *lab, unsigned top)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    fputs("endpoints:\n", out);
    for (int i = 0; i < 40; i++) {
        fprintf(out, "  e%d: {url: 'http://h%d', tier: local, backend: %s, models: [x-%db", i, i,
                i % 7 ? "vllm" : "ollama", 1 + i % 5);
        for (int j = 0; j < i * 5 % 9; j++)
            fprintf(out, ", %s-%d-%db", j % 4 == 3 ? "embed" : "m", j, 1 + (i + j) * 37 % 23);
        fputs("]}\n", out);
    }
    fclose(out);
    assert_int_equal(homelab_opts_new(&lab->opts), 0);
    homelab_opts_set_int(lab->opts, "router.top_k", top);
    open_lab(lab, text, NULL, 0);
    free(text);
    for (int i = 0; i < 60; i++) {
        int count = decide_task(lab, i % 2 ? HOMELAB_TASK_CODE : HOMELAB_TASK_FAST);
        int64_t ticket = homelab_router_begin(lab->router, lab->decision, (size_t)(i % count) % 3);
        assert_true(ticket > 0);
        if (i % 20 == 7)
            homelab_router_finish(lab->router, ticket,
                                  i % 40 == 7 ? HOMELAB_OUTCOME_UNREACHABLE : HOMELAB_OUTCOME_MODEL,
                                  -1, -1, -1, -1);
    }
    assert_int_equal(homelab_request_exclude(lab->request, "e3"), 0);
    assert_int_equal(homelab_request_exclude(lab->request, "e17"), 0);
}

/* By the facts that explain a decision. */
static float expected_score(const struct hl_table *table, const struct hl_errand *errand,
                            uint32_t expert, bool trial)
{
    struct hl_candidate one = {.expert = expert};
    float points = 0, rate = 0;
    hl_candidate_detail(&one, table, errand);
    for (size_t task = 0; task < HL_CAP_COUNT; task++) {
        points += errand->probability[task] * table->experts[expert].base[task];
        rate += errand->probability[task] * table->rate[task];
    }
    return points - rate * (one.queue_s + one.load_s + one.first_s + one.answer_s) -
           (trial ? 1.0f : 0.0f);
}

static bool is_tried(const struct hl_table *table, uint32_t expert, int64_t now_ms)
{
    const struct hl_expert *one = &table->experts[expert];
    return hl_breaker_state(one->live->breaker, now_ms) == HL_BREAKER_READY ||
           hl_breaker_state(table->gates[one->endpoint].live->breaker, now_ms) == HL_BREAKER_READY;
}

static void assert_best(const struct hl_table *table, const struct hl_errand *errand, unsigned top,
                        bool troubled, int64_t now_ms)
{
    static struct hl_verdict verdict;
    uint8_t why[256];
    uint32_t passing = 0, better = 0, trials = 0;
    assert_true(table->count < sizeof why);
    hl_decide(&verdict, table, errand, troubled ? HL_HEED_ALL : HL_HEED_NONE, now_ms, why,
              sizeof why);
    assert_true(verdict.count > 0);
    for (uint32_t i = 0; i < verdict.count; i++) {
        const struct hl_candidate *one = &verdict.top[i];
        bool trial = troubled && is_tried(table, one->expert, now_ms);
        assert_int_equal(why[one->expert], 0);
        assert_int_equal(one->trial, trial);
        assert_float_equal(one->score, expected_score(table, errand, one->expert, trial), 1e-3f);
        if (i > 0)
            assert_true(one->score <= verdict.top[i - 1].score);
    }
    float last = verdict.top[verdict.count - 1].score;
    for (uint32_t i = 0; i < table->count; i++) {
        bool trial = troubled && is_tried(table, i, now_ms);
        passing += !why[i];
        trials += trial;
        better += !why[i] && expected_score(table, errand, i, trial) > last + 1e-3f;
    }
    assert_int_equal(verdict.eligible, passing);
    assert_int_equal(verdict.count, passing < top ? passing : top);
    assert_true(better < verdict.count);
    assert_true(passing < table->count);
    /* The breakers' time is over, or none is looked at, or they take some out. */
    assert_true(errand->kind != HOMELAB_REQUEST_OPENAI_CHAT || errand->pin_model || trials > 0 ||
                !troubled || verdict.rejected[HOMELAB_REJECT_BREAKER] > 0);
}

/* What is chosen four at a time is the best by what is told of it. */
static void test_the_best_of_a_crowd(void **state)
{
    (void)state;
    static const int kinds[] = {HOMELAB_REQUEST_OPENAI_CHAT, HOMELAB_REQUEST_OLLAMA_CHAT};
    for (unsigned top = 1; top <= 16; top += 3) {
        for (size_t kind = 0; kind < 2; kind++) {
            struct lab lab = {0};
            struct hl_errand errand;
            open_crowd(&lab, top);
            const struct hl_table *table = lab.decision->table;
            int64_t now_ms = hl_route_now_ms();
            homelab_request_set_kind(lab.request, kinds[kind]);
            homelab_request_set_task(lab.request, HOMELAB_TASK_CHAT);
            assert_int_equal(hl_errand_read(&errand, table, lab.request, NULL, 0), 0);
            assert_best(table, &errand, top, false, now_ms);
            assert_best(table, &errand, top, true, now_ms);
            assert_best(table, &errand, top, true, now_ms + 3600000);
            errand.mixed = true;
            errand.probability[HL_CAP_CHAT] = 0.5f;
            errand.probability[HL_CAP_CODE] = 0.25f;
            errand.probability[HL_CAP_REASON] = 0.25f;
            assert_best(table, &errand, top, false, now_ms);
            assert_best(table, &errand, top, true, now_ms + 3600000);
            errand.pin_model = hl_route_hash("x-2b", 4);
            assert_best(table, &errand, top, false, now_ms);
            assert_best(table, &errand, top, true, now_ms);
            close_lab(&lab);
        }
    }
}

/* --- Affinity and weights --- */

static const struct state twins[] = {{"o", "HEALTHY", "none", "llama3.1:8b/1/c/8192"},
                                     {"l", "HEALTHY", "none", "llama3.1:8b/1/c/8192"},
                                     {"n", "DOWN", "refused", ""},
                                     {"g", "DOWN", "refused", ""}};
#define TWINS                                                                                      \
    "endpoints:\n"                                                                                 \
    "  o: {url: 'http://h0', tier: local, backend: vllm}\n"                                        \
    "  l: {url: 'http://h1', tier: local, backend: vllm}\n"                                        \
    "  n: {url: 'http://h2', tier: local, backend: vllm}\n"                                        \
    "  g: {url: 'http://h3', tier: local, backend: vllm}\n"

static void test_affinity(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab, TWINS, twins, 4);
    size_t to_o = 0;
    for (int i = 0; i < 200; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        homelab_request_set_affinity(lab.request, key);
        assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 2);
        assert_false(homelab_decision_sticky(lab.decision, 0));
        to_o += strcmp(homelab_decision_endpoint(lab.decision, 0), "o") == 0;
    }
    assert_in_range(to_o, 60, 140);
    homelab_request_set_affinity(lab.request, "mine");
    decide_task(&lab, HOMELAB_TASK_CHAT);
    char first[8];
    snprintf(first, sizeof first, "%s", homelab_decision_endpoint(lab.decision, 0));
    int64_t ticket = homelab_router_begin(lab.router, lab.decision, 0);
    /* It stays there though it is busy now. */
    for (int i = 0; i < 5; i++) {
        assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 2);
        assert_string_equal(homelab_decision_endpoint(lab.decision, 0), first);
        assert_true(homelab_decision_sticky(lab.decision, 0));
        assert_true(homelab_router_begin(lab.router, lab.decision, 0) > 0);
    }
    /* Not when it is down. */
    homelab_router_finish(lab.router, ticket, HOMELAB_OUTCOME_UNREACHABLE, -1, 1000, -1, -1);
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 1);
    assert_string_not_equal(homelab_decision_endpoint(lab.decision, 0), first);
    close_lab(&lab);
}

static void test_affinity_places(void **state)
{
    (void)state;
    static struct hl_affinity map;
    uint64_t key = UINT64_C(0x123456789abcdef0);
    assert_int_equal(hl_affinity_find(&map, key, 1000, 0), -1);
    hl_affinity_bind(&map, key, 7, 1000000);
    assert_int_equal(hl_affinity_find(&map, key, 60000, 1000000), 7);
    assert_int_equal(hl_affinity_find(&map, key, 60000, 1050000), 7);
    assert_int_equal(hl_affinity_find(&map, key, 60000, 1080000), -1);
    assert_int_equal(hl_affinity_find(&map, key ^ UINT64_C(1) << 40, 60000, 1000000), -1);
}

static void test_weights_share(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab,
             "endpoints:\n"
             "  o: {url: 'http://h0', tier: local, backend: vllm, weight: 3}\n"
             "  l: {url: 'http://h1', tier: local, backend: vllm}\n",
             twins, 2);
    int to_o = 0;
    for (int i = 0; i < 400; i++) {
        assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 2);
        to_o += strcmp(homelab_decision_endpoint(lab.decision, 0), "o") == 0;
        int64_t ticket = homelab_router_begin(lab.router, lab.decision, 0);
        homelab_router_finish(lab.router, ticket, HOMELAB_OUTCOME_CANCELLED, -1, -1, -1, -1);
    }
    assert_in_range(to_o, 260, 340);
    close_lab(&lab);
}

/* --- Feedback --- */

static void test_in_flight(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab, TWINS, twins, 4);
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 2);
    assert_first(&lab, "o", "llama3.1:8b");
    int64_t ticket = homelab_router_begin(lab.router, lab.decision, 0);
    assert_int_equal(homelab_router_in_flight(lab.router, "o"), 1);
    assert_int_equal(homelab_router_in_flight(lab.router, "x"), -1);
    /* The other one has nothing to do. */
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 2);
    assert_first(&lab, "l", "llama3.1:8b");
    homelab_router_finish(lab.router, ticket, HOMELAB_OUTCOME_CANCELLED, -1, -1, -1, -1);
    assert_int_equal(homelab_router_in_flight(lab.router, "o"), 0);
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 2);
    assert_first(&lab, "o", "llama3.1:8b");
    close_lab(&lab);
}

static int64_t begin(struct lab *lab, size_t i)
{
    return homelab_router_begin(lab->router, lab->decision, i);
}

static void end(struct lab *lab, int64_t ticket, int outcome)
{
    assert_int_equal(homelab_router_finish(lab->router, ticket, outcome, 1000, 2000, 10, -1), 0);
}

static void test_breaker(void **state)
{
    (void)state;
    struct lab lab = {0};
    assert_int_equal(homelab_opts_new(&lab.opts), 0);
    homelab_opts_set_int(lab.opts, "router.breaker_open_ms", 30);
    open_lab(&lab, TWINS, twins, 4);
    decide_task(&lab, HOMELAB_TASK_CHAT);
    /* Errors of the server count together, one that cannot be reached counts at once. */
    for (int i = 0; i < 3; i++)
        end(&lab, begin(&lab, 0), HOMELAB_OUTCOME_SERVER_ERROR);
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 1);
    assert_first(&lab, "l", "llama3.1:8b");
    assert_int_equal(homelab_decision_reject_count(lab.decision, HOMELAB_REJECT_BREAKER), 1);
    end(&lab, begin(&lab, 0), HOMELAB_OUTCOME_UNREACHABLE);
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), HOMELAB_E_ROUTE_NONE);
    assert_in_range(homelab_decision_retry_ms(lab.decision), 0, 30);
    assert_non_null(strstr(homelab_error_message(), "2 breaker"));
    assert_non_null(strstr(homelab_error_message(), "try again in 0.0"));
    struct timespec pause = {.tv_nsec = 60000000};
    nanosleep(&pause, NULL);
    /* Deciding claims nothing; beginning does, once. */
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 2);
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 2);
    assert_true(homelab_decision_trial(lab.decision, 0));
    int64_t ticket = begin(&lab, 0);
    assert_true(ticket > 0);
    assert_int_equal(begin(&lab, 0), HOMELAB_E_STATE);
    assert_true(homelab_error_message()[0] != '\0');
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 1);
    end(&lab, ticket, HOMELAB_OUTCOME_OK);
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 2);
    assert_first(&lab, "o", "llama3.1:8b");
    assert_false(homelab_decision_trial(lab.decision, 0));
    close_lab(&lab);
}

/* The first byte of a trial lets others in; what comes of the rest counts as ever. */
static void test_a_trial_that_answers(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab, TWINS, twins, 4);
    homelab_request_set_pin(lab.request, "o", NULL);
    decide_task(&lab, HOMELAB_TASK_CHAT);
    assert_int_equal(
        homelab_router_finish(lab.router, begin(&lab, 0), HOMELAB_OUTCOME_BUSY, -1, -1, -1, 0), 0);
    int64_t ticket = begin(&lab, 0);
    assert_true(ticket > 0);
    assert_int_equal(begin(&lab, 0), HOMELAB_E_STATE);
    assert_in_range(hl_candidate_pause_ms(lab.decision, 0), 1, 1000);
    hl_feedback_answers(lab.router->ledger, ticket);
    assert_int_equal(hl_candidate_pause_ms(lab.decision, 0), 0);
    int64_t other = begin(&lab, 0);
    assert_true(other > 0);
    end(&lab, ticket, HOMELAB_OUTCOME_UNREACHABLE);
    assert_int_equal(begin(&lab, 0), HOMELAB_E_STATE);
    assert_int_equal(hl_candidate_pause_ms(lab.decision, 0), -1);
    end(&lab, other, HOMELAB_OUTCOME_OK);
    assert_int_equal(homelab_router_in_flight(lab.router, "o"), 0);
    close_lab(&lab);
}

/* Who was asked to be left alone is a candidate for those who wait; who failed is not. */
static void test_patience(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab, TWINS, twins, 4);
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 2);
    assert_int_equal(
        homelab_router_finish(lab.router, begin(&lab, 0), HOMELAB_OUTCOME_BUSY, -1, -1, -1, 60000),
        0);
    end(&lab, begin(&lab, 1), HOMELAB_OUTCOME_UNREACHABLE);
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), HOMELAB_E_ROUTE_NONE);
    assert_int_equal(hl_router_decide_patiently(lab.router, lab.request, NULL, 0, lab.decision,
                                                HOMELAB_DECIDE_EXPLAIN),
                     1);
    assert_first(&lab, "o", "llama3.1:8b");
    assert_int_equal(homelab_decision_reject_count(lab.decision, HOMELAB_REJECT_BREAKER), 1);
    assert_in_range(hl_candidate_pause_ms(lab.decision, 0), 50000, 60000);
    close_lab(&lab);
}

static void test_a_missing_model_is_its_own_affair(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab, INVENTORY, USUAL);
    homelab_request_set_pin(lab.request, "o", "qwen2.5-coder:7b");
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CODE), 1);
    end(&lab, begin(&lab, 0), HOMELAB_OUTCOME_MODEL);
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CODE), HOMELAB_E_ROUTE_NONE);
    homelab_request_set_pin(lab.request, "o", "llama3.1:8b");
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CODE), 1);
    close_lab(&lab);
}

static void test_outcomes_that_say_nothing(void **state)
{
    (void)state;
    static const int outcomes[] = {HOMELAB_OUTCOME_REJECTED, HOMELAB_OUTCOME_CANCELLED};
    struct lab lab = {0};
    open_lab(&lab, TWINS, twins, 4);
    decide_task(&lab, HOMELAB_TASK_CHAT);
    for (int i = 0; i < 20; i++)
        end(&lab, begin(&lab, 0), outcomes[i % 2]);
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 2);
    assert_int_equal(homelab_router_finish(lab.router, 0, HOMELAB_OUTCOME_OK, 0, 0, 0, -1),
                     HOMELAB_E_INVALID);
    assert_int_equal(homelab_router_finish(lab.router, INT64_MAX, HOMELAB_OUTCOME_OK, 0, 0, 0, -1),
                     HOMELAB_E_INVALID);
    assert_int_equal(homelab_router_finish(lab.router, begin(&lab, 0), 99, 0, 0, 0, -1),
                     HOMELAB_E_INVALID);
    close_lab(&lab);
}

static void test_speed_is_learnt(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab, TWINS, twins, 4);
    for (int i = 0; i < 4; i++) {
        decide_task(&lab, HOMELAB_TASK_CHAT);
        size_t o = strcmp(homelab_decision_endpoint(lab.decision, 0), "o") == 0 ? 0 : 1;
        homelab_router_finish(lab.router, begin(&lab, o), HOMELAB_OUTCOME_OK, 3000000, 60000000,
                              100, -1);
    }
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 2);
    assert_first(&lab, "l", "llama3.1:8b");
    assert_true(homelab_decision_term(lab.decision, 1, HOMELAB_TERM_SPEED) <
                homelab_decision_term(lab.decision, 0, HOMELAB_TERM_SPEED) - 5);
    /* A new table keeps what was learnt. */
    assert_int_equal(homelab_router_update(lab.router, NULL, lab.snapshot), 0);
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 2);
    assert_first(&lab, "l", "llama3.1:8b");
    close_lab(&lab);
}

static void test_outcomes_on_their_way(void **state)
{
    (void)state;
    static struct hl_live live;
    struct hl_outcome told[8];
    assert_int_equal(hl_live_told(&live, told), 0);
    for (int i = 0; i < 10; i++)
        hl_live_tell(&live, i % 5, i * 1000000);
    assert_int_equal(hl_live_told(&live, told), 8);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(told[i].outcome, (i + 2) % 5);
        assert_true(told[i].elapsed_us <= (i + 2) * 1000000);
        assert_true(told[i].elapsed_us * 4 > (i + 2) * 1000000);
    }
    assert_int_equal(hl_live_told(&live, told), 0);
}

/* --- Tables --- */

static void test_a_decision_outlives_table_and_router(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab, INVENTORY, USUAL);
    assert_true(decide_task(&lab, HOMELAB_TASK_CODE) > 0);
    homelab_inventory *other = NULL;
    assert_int_equal(homelab_inventory_load_text(&other, "{}", 2, HOMELAB_FORMAT_JSON, NULL, NULL),
                     0);
    assert_int_equal(homelab_router_update(lab.router, other, NULL), 0);
    homelab_inventory_unref(other);
    homelab_inventory_unref(lab.inventory);
    lab.inventory = NULL;
    assert_string_equal(homelab_decision_model(lab.decision, 0), "qwen2.5-coder:7b");
    int64_t ticket = begin(&lab, 0);
    assert_true(ticket > 0);
    end(&lab, ticket, HOMELAB_OUTCOME_OK);
    assert_int_equal(homelab_router_expert_count(lab.router), 0);
    homelab_router_unref(lab.router);
    lab.router = NULL;
    assert_string_equal(homelab_decision_url(lab.decision, 0), "http://h0:11434/api/chat");
    close_lab(&lab);
}

static void test_without_a_snapshot(void **state)
{
    (void)state;
    struct lab lab = {0};
    static const char text[] = "{\"endpoints\":{\"e\":{\"url\":\"http://h\",\"tier\":\"local\","
                               "\"models\":[\"a:7b\"]}}}";
    assert_int_equal(homelab_inventory_load_text(&lab.inventory, text, strlen(text),
                                                 HOMELAB_FORMAT_JSON, NULL, NULL),
                     0);
    assert_int_equal(homelab_router_new(&lab.router, lab.inventory, NULL, NULL), 0);
    assert_int_equal(homelab_request_new(&lab.request, NULL), 0);
    assert_int_equal(homelab_decision_new(&lab.decision, lab.router), 0);
    assert_int_equal(decide_task(&lab, HOMELAB_TASK_CHAT), 1);
    assert_first(&lab, "e", "a:7b");
    assert_int_equal(homelab_decision_loaded(lab.decision, 0), -1);
    close_lab(&lab);
}

static int make_and_decide(void *userdata)
{
    struct lab *lab = userdata;
    homelab_router *router = NULL;
    homelab_request *request = NULL;
    homelab_decision *decision = NULL;
    char *json = NULL;
    int code = homelab_router_new(&router, lab->inventory, lab->snapshot, NULL);
    if (!code)
        code = homelab_router_set_classifier(router, always_reason, &destroyed, NULL);
    if (!code)
        code = homelab_request_new(&request, NULL);
    if (!code)
        code = homelab_decision_new(&decision, router);
    if (!code) {
        homelab_request_set_task(request, HOMELAB_TASK_CHAT);
        int count =
            homelab_router_decide(router, request, NULL, 0, decision, HOMELAB_DECIDE_EXPLAIN);
        json = count > 0 ? homelab_decision_json(decision) : NULL;
        code = json ? homelab_router_update(router, NULL, NULL) : HOMELAB_E_NOMEM;
    }
    if (code)
        failmalloc_failed(code);
    homelab_free(json);
    homelab_decision_free(decision);
    homelab_request_free(request);
    homelab_router_unref(router);
    return code;
}

static void test_failing_allocations(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab, INVENTORY, USUAL);
    fail_each_allocation(make_and_decide, &lab);
    close_lab(&lab);
}

static void test_deciding_takes_no_memory(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab, INVENTORY "rules: [{matches: 'x+y', task: code}]\n", USUAL);
    uint64_t before = hl_alloc_count();
    failmalloc_arm(0, false);
    for (int i = 0; i < 100; i++) {
        assert_true(decide(&lab, "why is the sky blue and the grass green?") > 0);
        int64_t ticket = begin(&lab, 0);
        end(&lab, ticket, i % 3 ? HOMELAB_OUTCOME_OK : HOMELAB_OUTCOME_CANCELLED);
    }
    assert_int_equal(failmalloc_disarm(), 0);
    assert_int_equal(hl_alloc_count(), before);
    close_lab(&lab);
}

static void test_wrong_arguments(void **state)
{
    (void)state;
    struct lab lab = {0};
    open_lab(&lab, TWINS, twins, 4);
    homelab_router *router = NULL;
    assert_int_equal(homelab_router_new(&router, NULL, NULL, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_router_new(NULL, lab.inventory, NULL, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_router_decide(NULL, lab.request, NULL, 0, lab.decision, 0),
                     HOMELAB_E_INVALID);
    assert_int_equal(homelab_router_decide(lab.router, NULL, NULL, 0, lab.decision, 0),
                     HOMELAB_E_INVALID);
    assert_int_equal(homelab_router_decide(lab.router, lab.request, NULL, 0, lab.decision, 2),
                     HOMELAB_E_INVALID);
    assert_int_equal(homelab_request_set_kind(lab.request, 5), HOMELAB_E_INVALID);
    assert_int_equal(homelab_request_set_task(lab.request, 7), HOMELAB_E_INVALID);
    assert_int_equal(homelab_request_require(lab.request, 1u << 20), HOMELAB_E_INVALID);
    assert_int_equal(homelab_request_set_tokens(lab.request, -1, 0), HOMELAB_E_INVALID);
    for (int i = 0; i < 32; i++)
        assert_int_equal(homelab_request_exclude(lab.request, "x"), 0);
    assert_int_equal(homelab_request_exclude(lab.request, "x"), HOMELAB_E_LIMIT);
    assert_int_equal(begin(&lab, 0), HOMELAB_E_INVALID);
    assert_null(homelab_decision_json(lab.decision));
    assert_null(homelab_decision_endpoint(NULL, 0));
    assert_int_equal(homelab_decision_count(NULL), 0);
    assert_null(homelab_reject_name(99));
    assert_null(homelab_term_name(-1));
    close_lab(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_preference),
        cmocka_unit_test(test_declared_preference),
        cmocka_unit_test(test_rules_and_callback),
        cmocka_unit_test(test_rules_see_a_short_last_message),
        cmocka_unit_test(test_callback),
        cmocka_unit_test(test_an_image_never_goes_to_a_text_model),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_other_filters),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_time_for_a_cold_load),
        cmocka_unit_test(test_hot_over_cold),
        cmocka_unit_test(test_weights_add_up),
        cmocka_unit_test(test_no_text_in_an_explanation),
        cmocka_unit_test(test_the_best_of_many),
        cmocka_unit_test(test_the_best_of_a_crowd),
        cmocka_unit_test(test_affinity),
        cmocka_unit_test(test_affinity_places),
        cmocka_unit_test(test_weights_share),
        cmocka_unit_test(test_in_flight),
        cmocka_unit_test(test_breaker),
        cmocka_unit_test(test_a_trial_that_answers),
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_a_missing_model_is_its_own_affair),
        cmocka_unit_test(test_outcomes_that_say_nothing),
        cmocka_unit_test(test_speed_is_learnt),
        cmocka_unit_test(test_outcomes_on_their_way),
        cmocka_unit_test(test_a_decision_outlives_table_and_router),
        cmocka_unit_test(test_without_a_snapshot),
        cmocka_unit_test(test_failing_allocations),
        cmocka_unit_test(test_deciding_takes_no_memory),
        cmocka_unit_test(test_wrong_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
