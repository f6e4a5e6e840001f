#include "health/forecast.h"

#include "core/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define CODE   (1u << HL_CAP_CODE)
#define REASON (1u << HL_CAP_REASON)
#define CHAT   (1u << HL_CAP_CHAT)
#define VISION (1u << HL_CAP_VISION)
#define FAST   (1u << HL_CAP_FAST)
#define EMBED  (1u << HL_CAP_EMBED)
#define TALK   (CODE | REASON | CHAT | FAST)

#define UNKNOWN  HOMELAB_VERDICT_UNKNOWN
#define HEALTHY  HOMELAB_VERDICT_HEALTHY
#define DEGRADED HOMELAB_VERDICT_DEGRADED
#define LOADING  HOMELAB_VERDICT_LOADING
#define BUSY     HOMELAB_VERDICT_BUSY
#define WRONG    HOMELAB_VERDICT_MISCONFIGURED
#define WEDGED   HOMELAB_VERDICT_WEDGED
#define DOWN     HOMELAB_VERDICT_DOWN

static const char *const tiers[] = {"local", "remote", "nas", "gateway"};

struct rule_case {
    int verdicts[4]; /* -1 ends */
    int tier;
};

static void tier_rule(void **state)
{
    (void)state;
    static const struct rule_case cases[] = {
        {{HEALTHY, HEALTHY, -1}, HEALTHY},
        {{HEALTHY, DOWN, -1}, DEGRADED},
        {{DOWN, DOWN, -1}, DOWN},
        {{WRONG, WEDGED, -1}, DOWN},
        {{BUSY, -1}, DEGRADED},
        {{LOADING, DOWN, -1}, DEGRADED},
        {{DEGRADED, -1}, DEGRADED},
        {{UNKNOWN, -1}, UNKNOWN},
        {{UNKNOWN, HEALTHY, -1}, HEALTHY},
        {{UNKNOWN, DOWN, -1}, DOWN},
        {{HEALTHY, WRONG, BUSY, -1}, DEGRADED},
        {{-1}, UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hl_forecast_endpoint endpoints[4] = {0};
        size_t count = 0;
        for (; cases[i].verdicts[count] >= 0; count++)
            endpoints[count] =
                (struct hl_forecast_endpoint){.id = "e", .verdict = cases[i].verdicts[count]};
        struct hl_forecast forecast;
        assert_int_equal(hl_forecast_make(&forecast, tiers, 1, endpoints, count, 0), 0);
        if (forecast.tiers[0].verdict != cases[i].tier)
            fail_msg("case %zu: %s", i, homelab_verdict_name(forecast.tiers[0].verdict));
        assert_int_equal(forecast.verdict, cases[i].tier);
        hl_forecast_clear(&forecast);
    }
}

struct cluster_case {
    const char *name;
    struct hl_forecast_endpoint endpoints[5];
    uint32_t declared;
    int verdict;
    uint32_t lost;
    const char *text, *first_tier;
};

static const struct cluster_case clusters[] = {
    {"all well",
     {{"local/ollama", 0, HEALTHY, 0, false, TALK}, {"remote/llama", 1, HEALTHY, 0, false, TALK}},
     TALK,
     HEALTHY,
     0,
     "all 2 tiers healthy",
     "local/ollama HEALTHY"},
    {"code only on remote, vision lost",
     {{"local/ollama", 0, DOWN, HOMELAB_CAUSE_REFUSED, false, TALK | VISION},
      {"remote/llama", 1, HEALTHY, 0, false, TALK},
      {"nas/ollama", 2, HEALTHY, 0, false, CHAT | EMBED}},
     TALK | VISION | EMBED,
     DEGRADED,
     VISION,
     "2 of 3 tiers healthy, local down; code, reason, fast only on remote; vision lost",
     "local/ollama DOWN (refused)"},
    {"a gateway serves nothing alone",
     {{"local/ollama", 0, DOWN, HOMELAB_CAUSE_REFUSED, false, TALK},
      {"gateway/litellm", 3, HEALTHY, 0, true, TALK}},
     TALK,
     DEGRADED,
     TALK,
     "1 of 2 tiers healthy, local down; code, reason, chat, fast lost",
     "local/ollama DOWN (refused)"},
    {"a gateway to elsewhere does",
     {{"gateway/litellm", 3, HEALTHY, 0, true, TALK}},
     TALK,
     HEALTHY,
     0,
     "gateway is healthy",
     "no endpoint looked at"},
    {"not looked at is not lost",
     {{"local/ollama", 0, UNKNOWN, 0, false, TALK}, {"nas/ollama", 2, HEALTHY, 0, false, EMBED}},
     TALK | EMBED,
     HEALTHY,
     0,
     "nas is healthy",
     "no endpoint looked at"},
    {"busy and loading can serve soon",
     {{"local/a", 0, BUSY, HOMELAB_CAUSE_BUSY, false, CHAT},
      {"local/b", 0, LOADING, HOMELAB_CAUSE_LOADING, false, VISION}},
     CHAT | VISION,
     DEGRADED,
     0,
     "local is degraded",
     "none of 2 endpoints healthy; local/a BUSY (busy), local/b LOADING (loading)"},
    {"nothing works",
     {{"local/a", 0, DOWN, HOMELAB_CAUSE_DNS, false, CHAT},
      {"local/b", 0, WRONG, HOMELAB_CAUSE_AUTH, false, EMBED}},
     CHAT | EMBED,
     DOWN,
     CHAT | EMBED,
     "local is down; chat, embed lost",
     "none of 2 endpoints healthy; local/a DOWN (dns), local/b MISCONFIGURED (auth)"},
    {"many troubles are counted",
     {{"a", 0, DOWN, HOMELAB_CAUSE_DNS, false, 0},
      {"b", 0, DOWN, HOMELAB_CAUSE_DNS, false, 0},
      {"c", 0, DOWN, HOMELAB_CAUSE_DNS, false, 0},
      {"d", 0, DOWN, HOMELAB_CAUSE_DNS, false, 0},
      {"e", 0, HEALTHY, 0, false, 0}},
     0,
     DEGRADED,
     0,
     "local is degraded",
     "1 of 5 endpoints healthy; a DOWN (dns), b DOWN (dns), c DOWN (dns) and 1 more"},
};

static void cluster(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof clusters / sizeof *clusters; i++) {
        const struct cluster_case *one = &clusters[i];
        size_t count = 0;
        while (count < 5 && one->endpoints[count].id)
            count++;
        struct hl_forecast forecast;
        assert_int_equal(
            hl_forecast_make(&forecast, tiers, 4, one->endpoints, count, one->declared), 0);
        if (forecast.verdict != one->verdict || forecast.lost != one->lost ||
            strcmp(forecast.text, one->text) != 0 ||
            strcmp(forecast.tiers[0].text, one->first_tier) != 0)
            fail_msg("%s: %s, lost %x, '%s', '%s'", one->name,
                     homelab_verdict_name(forecast.verdict), forecast.lost, forecast.text,
                     forecast.tiers[0].text);
        hl_forecast_clear(&forecast);
    }
}

static void servers_by_preference(void **state)
{
    (void)state;
    static const struct hl_forecast_endpoint endpoints[] = {
        {"nas/a", 2, HEALTHY, 0, false, CHAT},   {"gateway/g", 0, HEALTHY, 0, true, CHAT},
        {"local/b", 0, HEALTHY, 0, false, CHAT}, {"local/c", 0, DOWN, 0, false, CHAT},
        {"local/d", 0, BUSY, 0, false, CHAT},
    };
    static const uint32_t expected[] = {2, 4, 1, 0};
    struct hl_forecast forecast;
    assert_int_equal(hl_forecast_make(&forecast, tiers, 4, endpoints, 5, CHAT), 0);
    assert_int_equal(forecast.server_count[HL_CAP_CHAT], 4);
    assert_memory_equal(forecast.servers[HL_CAP_CHAT], expected, sizeof expected);
    assert_int_equal(forecast.server_count[HL_CAP_CODE], 0);
    hl_forecast_clear(&forecast);
}

static void sums_follow_changes(void **state)
{
    (void)state;
    struct hl_tally sums;
    assert_int_equal(hl_tally_init(&sums, 2), 0);
    struct hl_forecast_endpoint a = {"a", 0, UNKNOWN, 0, false, CHAT};
    struct hl_forecast_endpoint b = {"b", 1, HEALTHY, 0, false, CHAT | EMBED};
    hl_tally_add(&sums, &a);
    hl_tally_add(&sums, &b);
    assert_int_equal(hl_tally_verdict(&sums), HEALTHY);
    hl_tally_remove(&sums, &b);
    b.verdict = DOWN;
    hl_tally_add(&sums, &b);
    assert_int_equal(hl_tally_verdict(&sums), DOWN);
    assert_int_equal(hl_tally_lost(&sums, CHAT | EMBED), EMBED);
    hl_tally_remove(&sums, &a);
    a.verdict = BUSY;
    hl_tally_add(&sums, &a);
    assert_int_equal(hl_tally_verdict(&sums), DEGRADED);
    assert_int_equal(hl_tally_tier_verdict(&sums, 0), DEGRADED);
    assert_int_equal(hl_tally_served(&sums), CHAT);
    hl_tally_clear(&sums);
}

static void long_names_are_cut_at_characters(void **state)
{
    (void)state;
    char id[2][201];
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < 200; j += 2)
            memcpy(id[i] + j, "\xc3\xa4", 2);
        id[i][200] = '\0';
    }
    id[1][0] = 'a';
    id[1][1] = 'b';
    struct hl_forecast_endpoint endpoints[] = {{id[0], 0, DOWN, 60, false, 0},
                                               {id[1], 0, DOWN, 60, false, 0}};
    struct hl_forecast forecast;
    assert_int_equal(hl_forecast_make(&forecast, tiers, 1, endpoints, 2, 0), 0);
    size_t length = strlen(forecast.tiers[0].text);
    assert_true(length >= sizeof forecast.tiers[0].text - 2);
    unsigned char last = (unsigned char)forecast.tiers[0].text[length - 1];
    assert_true(last < 0x80 || (last & 0xc0) == 0x80);
    hl_forecast_clear(&forecast);
}

/* --- Who can do what --- */

static struct hl_endpoint cluster_endpoints[] = {{.id = "local/ollama"}, {.id = "nas/ollama"}};
static size_t at_local[] = {0};
static struct hl_model cluster_models[] = {
    {.name = "qwen", .roles = CODE, .endpoints = at_local, .endpoint_count = 1},
    {.name = "llava", .abilities = HL_ABILITY_VISION, .endpoints = at_local, .endpoint_count = 1},
    {.name = "anywhere", .roles = REASON},
};
static struct hl_tier cluster_tiers[] = {{.name = (char *)(uintptr_t) "local"}};
static const struct hl_inventory_data inventory = {.tiers = cluster_tiers,
                                                   .tier_count = 1,
                                                   .endpoints = cluster_endpoints,
                                                   .endpoint_count = 2,
                                                   .models = cluster_models,
                                                   .model_count = 3};

struct serves_case {
    size_t endpoint;
    int backend;
    bool known;
    struct {
        const char *name;
        uint32_t abilities;
    } models[3];
    uint32_t can, expected;
};

static void roles(void **state)
{
    (void)state;
    static const struct serves_case cases[] = {
        /* Not asked: what is declared there. */
        {0, HOMELAB_BACKEND_OLLAMA, false, {{0}}, CODE | VISION, CODE | VISION},
        /* Nothing is assumed where the inventory declares. */
        {1, HOMELAB_BACKEND_OLLAMA, false, {{0}}, 0, 0},
        {1, HOMELAB_BACKEND_HTTP, false, {{0}}, 0, 0},
        {1, HOMELAB_BACKEND_TCP, true, {{0}}, 0, 0},
        /* Asked: a declared model that is not there gives nothing. */
        {0, HOMELAB_BACKEND_OLLAMA, true, {{"qwen:latest", HL_ABILITY_COMPLETION}}, CODE, CODE},
        {0, HOMELAB_BACKEND_OLLAMA, true, {{0}}, 0, 0},
        /* A role declared for any endpoint counts where the model is. */
        {1, HOMELAB_BACKEND_OLLAMA, true, {{"anywhere", 0}}, REASON, REASON},
        /* Without roles: what is reported. */
        {1,
         HOMELAB_BACKEND_OLLAMA,
         true,
         {{"gemma:2b", HL_ABILITY_COMPLETION | HL_ABILITY_VISION}, {"e5", HL_ABILITY_EMBEDDING}},
         TALK | VISION | EMBED,
         TALK | VISION | EMBED},
        {1,
         HOMELAB_BACKEND_OPENAI,
         true,
         {{"m", 0}, {"nomic-embed-text", 0}},
         TALK | EMBED,
         TALK | EMBED},
        {1, HOMELAB_BACKEND_OPENAI, true, {{"bge-reranker", 0}}, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hl_model_state models[3] = {0};
        size_t count = 0;
        for (; count < 3 && cases[i].models[count].name; count++) {
            models[count].name = (char *)(uintptr_t)cases[i].models[count].name;
            models[count].abilities = cases[i].models[count].abilities;
        }
        struct hl_serves serves = hl_serves_of(&inventory, cases[i].endpoint, cases[i].backend,
                                               models, count, cases[i].known);
        if (serves.can != cases[i].can || serves.expected != cases[i].expected)
            fail_msg("case %zu: can %x, expected %x", i, serves.can, serves.expected);
    }
    assert_int_equal(hl_declared_capabilities(&inventory), CODE | VISION | REASON);
    /* Nothing declared: an inference server is assumed to talk. */
    struct hl_inventory_data bare = inventory;
    bare.model_count = 0;
    struct hl_serves serves = hl_serves_of(&bare, 0, HOMELAB_BACKEND_OLLAMA, NULL, 0, false);
    assert_int_equal(serves.can, TALK);
    assert_int_equal(serves.expected, 0);
}

static void model_names(void **state)
{
    (void)state;
    assert_true(hl_model_name_meets("x", "x"));
    assert_true(hl_model_name_meets("x:latest", "x"));
    assert_true(hl_model_name_meets("x:7b", "x:7b"));
    assert_false(hl_model_name_meets("x:7b", "x"));
    assert_false(hl_model_name_meets("xy", "x"));
    assert_false(hl_model_name_meets("x", "x:latest"));
    assert_false(hl_model_name_meets("x:7b:latest", "x:7b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tier_rule),
        cmocka_unit_test(cluster),
        cmocka_unit_test(servers_by_preference),
        cmocka_unit_test(sums_follow_changes),
        cmocka_unit_test(long_names_are_cut_at_characters),
        cmocka_unit_test(roles),
        cmocka_unit_test(model_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
