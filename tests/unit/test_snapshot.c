#include "health/snapshot.h"

#include <homelab/error.h>
#include <homelab/homelab.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define CHAT   (1u << HL_CAP_CHAT)
#define VISION (1u << HL_CAP_VISION)

static homelab_snapshot *make(void)
{
    static const char *const tiers[] = {"local", "gateway"};
    static const struct hl_roster_entry entries[] = {
        {"local/z", "gpu0", 0}, {"local/\"a\"", NULL, 0}, {"gateway/litellm", "nas", 1}};
    static const struct hl_record_evidence evidence[] = {
        {HL_LAYER_HTTP, HOMELAB_CAUSE_NONE, 200, 1500, "/api/version answered 200"},
        {HL_LAYER_TCP, HOMELAB_CAUSE_REFUSED, 111, 12, "a \"quoted\"\nline"}};
    const struct hl_model_state models[] = {{(char *)(uintptr_t) "qwen:7b", 1,
                                             HL_ABILITY_COMPLETION | HL_ABILITY_TOOLS, 4096,
                                             5000000000, 4000000000, -1, 0},
                                            {(char *)(uintptr_t) "x", -1, 0, -1, -1, -1, -1, 0}};
    static const struct hl_latency_point points[] = {{1000, 0.5f}, {2000, 0.9f}, {9000, 1}};
    struct hl_facts facts[] = {
        {.backend = HOMELAB_BACKEND_OLLAMA,
         .verdict = HOMELAB_VERDICT_HEALTHY,
         .text = "fine",
         .version = "0.17.4",
         .latency_us = 1500,
         .probed_us = 1764000000000000,
         .slots = 4,
         .uptime = 0.75,
         .can = CHAT | VISION,
         .evidence = evidence,
         .evidence_count = 1,
         .models = models,
         .model_count = 2,
         .latency = points,
         .latency_count = 3},
        {.verdict = HOMELAB_VERDICT_DOWN,
         .cause = HOMELAB_CAUSE_REFUSED,
         .text = "",
         .latency_us = -1,
         .slots = -1,
         .uptime = -1,
         .maintenance = true,
         .can = CHAT,
         .evidence = evidence + 1,
         .evidence_count = 1},
        {.backend = HOMELAB_BACKEND_LITELLM,
         .verdict = HOMELAB_VERDICT_UNKNOWN,
         .text = "not probed yet",
         .latency_us = -1,
         .slots = -1,
         .uptime = -1,
         .gateway = true,
         .can = CHAT},
    };
    struct hl_roster *roster;
    assert_int_equal(hl_roster_new(&roster, tiers, 2, entries, 3), 0);
    struct hl_record *records[3] = {NULL};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(hl_record_write(&records[i], &facts[i]), 0);
    homelab_snapshot *snapshot;
    assert_int_equal(
        hl_snapshot_make(&snapshot, NULL, roster, records, CHAT | VISION, 7, 1764000000000001), 0);
    hl_roster_unref(roster);
    for (size_t i = 0; i < 3; i++)
        hl_record_unref(records[i]);
    return snapshot;
}

static void accessors(void **state)
{
    (void)state;
    homelab_snapshot *snapshot = make();
    assert_int_equal(homelab_snapshot_generation(snapshot), 7);
    assert_int_equal(homelab_snapshot_endpoint_count(snapshot), 3);
    assert_int_equal(homelab_snapshot_endpoint_find(snapshot, "gateway/litellm"), 2);
    assert_int_equal(homelab_snapshot_endpoint_find(snapshot, "local/z"), 0);
    assert_int_equal(homelab_snapshot_endpoint_find(snapshot, "nope"), HOMELAB_E_NOT_FOUND);
    assert_string_equal(homelab_error_subject(), "nope");
    assert_string_equal(homelab_snapshot_endpoint_tier(snapshot, 2), "gateway");
    assert_string_equal(homelab_snapshot_endpoint_node(snapshot, 0), "gpu0");
    assert_null(homelab_snapshot_endpoint_node(snapshot, 1));
    assert_int_equal(homelab_snapshot_endpoint_percentile_us(snapshot, 0, 90), 2000);
    assert_true(homelab_snapshot_endpoint_in_maintenance(snapshot, 1));
    assert_true(homelab_snapshot_model_has(snapshot, 0, 0, "tools"));
    assert_false(homelab_snapshot_model_has(snapshot, 0, 0, "vision"));
    assert_int_equal(homelab_snapshot_server_count(snapshot, HL_CAP_CHAT), 1);
    assert_int_equal(homelab_snapshot_server_at(snapshot, HL_CAP_CHAT, 0), 0);
    assert_int_equal(homelab_snapshot_server_at(snapshot, HL_CAP_CHAT, 1), HOMELAB_E_NOT_FOUND);
    assert_string_equal(homelab_snapshot_evidence_layer(snapshot, 1, 0), "tcp");
    /* Past the end and without an object. */
    assert_null(homelab_snapshot_endpoint_id(snapshot, 3));
    assert_null(homelab_snapshot_evidence_text(snapshot, 0, 1));
    assert_int_equal(homelab_snapshot_model_loaded(snapshot, 9, 0), -1);
    assert_null(homelab_snapshot_text(NULL));
    assert_int_equal(homelab_snapshot_verdict(NULL), HOMELAB_VERDICT_UNKNOWN);
    assert_null(homelab_snapshot_json(NULL));
    homelab_snapshot_unref(snapshot);
    homelab_snapshot_unref(NULL);
}

static void json_round_trip(void **state)
{
    (void)state;
    homelab_snapshot *snapshot = make();
    char *json = homelab_snapshot_json(snapshot);
    assert_non_null(json);
    assert_non_null(strstr(json,
                           "\"evidence\":[{\"layer\":\"http\",\"cause\":\"none\",\"code\":"
                           "200,\"elapsed_ms\":1.5,\"text\":\"/api/version answered 200\"}]"));
    assert_non_null(strstr(json, "{\"name\":\"qwen:7b\",\"loaded\":true,\"capabilities\":["
                                 "\"completion\",\"tools\"],\"context\":4096,\"size_bytes\":"
                                 "5000000000,\"vram_bytes\":4000000000}"));
    assert_non_null(strstr(json, "\"backend\":null,\"version\":null,\"verdict\":\"DOWN\""));
    homelab_snapshot *again = NULL;
    assert_int_equal(homelab_snapshot_parse(&again, json, strlen(json), NULL), HOMELAB_OK);
    char *second = homelab_snapshot_json(again);
    assert_string_equal(json, second);
    assert_int_equal(homelab_snapshot_endpoint_percentile_us(again, 0, 99), 9000);
    homelab_free(second);
    homelab_free(json);
    homelab_snapshot_unref(again);
    homelab_snapshot_unref(snapshot);
}

static void hostile_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        {"", HOMELAB_E_SYNTAX},
        {"[]", HOMELAB_E_SYNTAX},
        {"{}", HOMELAB_E_SYNTAX},
        {"{\"schema\":2,\"tiers\":[],\"endpoints\":[]}", HOMELAB_E_SYNTAX},
        {"{\"schema\":1,\"tiers\":{},\"endpoints\":[]}", HOMELAB_E_SYNTAX},
        {"{\"schema\":1,\"tiers\":[]}", HOMELAB_E_SYNTAX},
        {"{\"schema\":1,\"tiers\":[3],\"endpoints\":[]}", HOMELAB_E_SYNTAX},
        {"{\"schema\":1,\"tiers\":[],\"endpoints\":[{\"id\":\"a\",\"tier\":\"t\"}]}",
         HOMELAB_E_SYNTAX},
        {"{\"schema\":1,\"tiers\":[{\"name\":\"t\"}],\"endpoints\":[{\"id\":\"a\",\"tier\":\"t\"}]"
         "}",
         HOMELAB_E_SYNTAX},
        {"{\"schema\":1,\"tiers\":[{\"name\":\"t\"}],\"endpoints\":[{\"id\":\"a\",\"tier\":\"t\","
         "\"verdict\":\"FINE\",\"cause\":\"none\"}]}",
         HOMELAB_E_SYNTAX},
        {"{\"schema\":1,\"tiers\":[{\"name\":\"t\"}],\"endpoints\":["
         "{\"id\":\"a\",\"tier\":\"t\",\"verdict\":\"DOWN\",\"cause\":\"dns\"},"
         "{\"id\":\"a\",\"tier\":\"t\",\"verdict\":\"DOWN\",\"cause\":\"dns\"}]}",
         HOMELAB_E_SYNTAX},
        {"{\"schema\":1,\"tiers\":[{\"name\":\"t\"}],\"endpoints\":[{\"id\":\"a\",\"tier\":\"t\","
         "\"verdict\":\"DOWN\",\"cause\":\"dns\",\"evidence\":[7]}]}",
         HOMELAB_E_SYNTAX},
        {"{\"schema\":1,\"tiers\":[{\"name\":\"t\"}],\"endpoints\":[{\"id\":\"a\",\"tier\":\"t\","
         "\"verdict\":\"DOWN\",\"cause\":\"dns\",\"models\":[{}]}]}",
         HOMELAB_E_SYNTAX},
        /* Odd values are unknown values. */
        {"{\"schema\":1,\"generation\":-4,\"tiers\":[{\"name\":\"t\"}],\"endpoints\":[{\"id\":"
         "\"a\","
         "\"tier\":\"t\",\"verdict\":\"DOWN\",\"cause\":\"dns\",\"latency_ms\":-1e300,\"slots\":"
         "1e99,"
         "\"uptime\":7,\"serves\":[\"fly\",3],\"latency_percentiles_ms\":[]}]}",
         HOMELAB_OK},
        {"{\"schema\":1,\"tiers\":[],\"endpoints\":[]}", HOMELAB_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        homelab_snapshot *snapshot = NULL;
        int code = homelab_snapshot_parse(&snapshot, cases[i].text, strlen(cases[i].text), NULL);
        if (code != cases[i].code)
            fail_msg("case %zu: %s: %s", i, homelab_error_name(code), homelab_error_message());
        assert_int_equal(code == HOMELAB_OK, snapshot != NULL);
        assert_int_equal(code == HOMELAB_OK, homelab_error_message()[0] == '\0');
        homelab_snapshot_unref(snapshot);
    }
}

static void without(void **state)
{
    (void)state;
    homelab_snapshot *snapshot = make(), *less = NULL;
    assert_int_equal(homelab_snapshot_without(&less, snapshot, "gpu0, local/\"a\",gpu0"),
                     HOMELAB_OK);
    assert_int_equal(homelab_snapshot_endpoint_verdict(less, 0), HOMELAB_VERDICT_DOWN);
    assert_string_equal(homelab_snapshot_endpoint_version(less, 0), "0.17.4");
    assert_true(homelab_snapshot_capability_lost(less, HL_CAP_VISION));
    assert_int_equal(homelab_snapshot_endpoint_verdict(snapshot, 0), HOMELAB_VERDICT_HEALTHY);
    homelab_snapshot_unref(less);
    assert_int_equal(homelab_snapshot_without(&less, snapshot, "gpu9"), HOMELAB_E_NOT_FOUND);
    assert_string_equal(homelab_error_subject(), "gpu9");
    assert_int_equal(homelab_snapshot_without(&less, snapshot, ""), HOMELAB_E_NOT_FOUND);
    homelab_snapshot_unref(snapshot);
}

/* A record is written in place unless a snapshot shares it. */
static void records_are_shared(void **state)
{
    (void)state;
    struct hl_facts facts = {.text = "one", .latency_us = -1};
    struct hl_record *record = NULL;
    assert_int_equal(hl_record_write(&record, &facts), 0);
    struct hl_record *first = record;
    facts.text = "two";
    assert_int_equal(hl_record_write(&record, &facts), 0);
    assert_ptr_equal(record, first);
    struct hl_record *held = hl_record_ref(record);
    facts.text = "three";
    assert_int_equal(hl_record_write(&record, &facts), 0);
    assert_ptr_not_equal(record, held);
    assert_string_equal(held->facts.text, "two");
    assert_string_equal(record->facts.text, "three");
    hl_record_unref(held);
    hl_record_unref(record);
}

static void prometheus(void **state)
{
    (void)state;
    homelab_snapshot *snapshot = make();
    char *text = homelab_snapshot_prometheus(snapshot);
    assert_non_null(strstr(text, "# TYPE homelab_endpoint_up gauge\n"
                                 "homelab_endpoint_up{endpoint=\"local/z\",tier=\"local\",node="
                                 "\"gpu0\"} 1\n"
                                 "homelab_endpoint_up{endpoint=\"local/\\\"a\\\"\",tier=\"local\","
                                 "node=\"\"} 0\n# HELP"));
    assert_non_null(strstr(text, "homelab_prognosis{verdict=\"DEGRADED\"} 1\n"));
    assert_non_null(strstr(text, "homelab_endpoint_latency_seconds{endpoint=\"local/z\",tier="
                                 "\"local\",node=\"gpu0\"} 0.0015\n"));
    homelab_free(text);
    homelab_snapshot_unref(snapshot);
}

static void names(void **state)
{
    (void)state;
    for (int i = -1; i < 100; i++) {
        const char *verdict = homelab_verdict_name(i), *cause = homelab_cause_name(i);
        assert_int_equal(hl_verdict_from_name(verdict), verdict ? i : -1);
        assert_int_equal(hl_cause_from_name(cause), cause ? i : -1);
    }
    assert_string_equal(homelab_cause_name(HOMELAB_CAUSE_SERVER_ERROR), "server-error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accessors),
        cmocka_unit_test(json_round_trip),
        cmocka_unit_test(hostile_texts),
        cmocka_unit_test(without),
        cmocka_unit_test(records_are_shared),
        cmocka_unit_test(prometheus),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
