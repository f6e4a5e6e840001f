#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/error.h"
#include "inventory/inventory.h"
#include "support/failmalloc.h"

#include <math.h>
#include <string.h>

static void fill(homelab_builder *b)
{
    assert_int_equal(
        homelab_builder_set_string(b, "endpoints", "local/ollama", "url", "http://10.0.0.1:11434"),
        0);
    assert_int_equal(homelab_builder_set_string(b, "endpoints", "local/ollama", "tier", "LOCAL"),
                     0);
    assert_int_equal(homelab_builder_set_number(b, "endpoints", "local/ollama", "timeout", 2.5), 0);
    assert_int_equal(homelab_builder_set_bool(b, "endpoints", "local/ollama", "insecure", true), 0);
    assert_int_equal(homelab_builder_set_string(b, "endpoints", "local/ollama", "models[0]", "a"),
                     0);
    assert_int_equal(homelab_builder_set_string(b, "endpoints", "local/ollama", "models[1]", "b"),
                     0);
    assert_int_equal(homelab_builder_set_string(b, "nodes", "gpu0", "host", "10.0.0.1"), 0);
    assert_int_equal(homelab_builder_set_number(b, "nodes", "gpu0", "gpus[0].memory_gib", 24), 0);
    assert_int_equal(homelab_builder_set_string(b, "nodes", "gpu0", "gpus[0].name", "RTX 4090"), 0);
    assert_int_equal(homelab_builder_set_number(b, "nodes", "gpu0", "ssh.port", 2222), 0);
}

static const char expected_yaml[] = "nodes:\n"
                                    "  gpu0:\n"
                                    "    host: \"10.0.0.1\"\n"
                                    "    gpus:\n"
                                    "    - name: \"RTX 4090\"\n"
                                    "      memory_gib: 24\n"
                                    "    ssh:\n"
                                    "      port: 2222\n"
                                    "endpoints:\n"
                                    "  local/ollama:\n"
                                    "    url: http://10.0.0.1:11434\n"
                                    "    tier: LOCAL\n"
                                    "    models: [a, b]\n"
                                    "    insecure: true\n"
                                    "    timeout: 2.5\n";

static void assert_written(homelab_builder *builder, const char *expected)
{
    homelab_inventory *inventory = NULL;
    if (homelab_builder_build(builder, &inventory))
        fail_msg("%s", homelab_error_message());
    char *text = homelab_inventory_write(inventory, HOMELAB_FORMAT_YAML);
    assert_string_equal(text, expected);
    homelab_free(text);
    homelab_inventory_unref(inventory);
}

static void test_builds(void **state)
{
    (void)state;
    homelab_builder *builder = NULL;
    assert_int_equal(homelab_builder_new(&builder, NULL, NULL), 0);
    assert_written(builder, "{}\n");
    fill(builder);
    assert_written(builder, expected_yaml);
    homelab_inventory *inventory = NULL;
    assert_int_equal(homelab_builder_build(builder, &inventory), 0);
    assert_string_equal(homelab_inventory_endpoint_node(inventory, 0), "gpu0");
    assert_int_equal(homelab_inventory_endpoint_timeout_ms(inventory, 0), 2500);
    homelab_builder_free(builder);
    /* From an inventory, which stays what it is. */
    assert_int_equal(homelab_builder_new(&builder, inventory, NULL), 0);
    assert_int_equal(
        homelab_builder_set_string(builder, "endpoints", "local/ollama", "models[1]", "c"), 0);
    assert_int_equal(homelab_builder_remove(builder, "endpoints", "local/ollama", "models[0]"), 0);
    assert_int_equal(homelab_builder_remove(builder, "endpoints", "local/ollama", "insecure"), 0);
    assert_int_equal(homelab_builder_remove(builder, "nodes", "gpu0", NULL), 0);
    assert_written(builder, "nodes: {}\n"
                            "endpoints:\n"
                            "  local/ollama:\n"
                            "    url: http://10.0.0.1:11434\n"
                            "    tier: LOCAL\n"
                            "    models: [c]\n"
                            "    timeout: 2.5\n");
    homelab_builder_free(builder);
    char *text = homelab_inventory_write(inventory, HOMELAB_FORMAT_YAML);
    assert_string_equal(text, expected_yaml);
    homelab_free(text);
    homelab_inventory_unref(inventory);
}

static void test_problems_have_no_position(void **state)
{
    (void)state;
    homelab_inventory *from = NULL;
    homelab_builder *builder = NULL;
    static const char text[] = "endpoints: {e: {url: 'http://h', tier: nas}}";
    assert_int_equal(homelab_inventory_load_text(&from, text, sizeof text - 1, 0, NULL, NULL), 0);
    assert_int_equal(homelab_builder_new(&builder, from, NULL), 0);
    homelab_inventory_unref(from);
    assert_int_equal(homelab_builder_set_string(builder, "endpoints", "e", "api_key", "hunter2"),
                     0);
    homelab_inventory *inventory = NULL;
    assert_int_equal(homelab_builder_build(builder, &inventory), HOMELAB_E_INVENTORY);
    assert_null(inventory);
    assert_string_equal(homelab_error_message(),
                        "inventory: endpoints.e.api_key: found what is no reference (not repeated "
                        "here: it may be a secret), expected a reference such as env:NAME");
    assert_int_equal(homelab_builder_set_string(builder, "endpoints", "e", "api_key", "env:K"), 0);
    assert_int_equal(homelab_builder_build(builder, &inventory), 0);
    homelab_inventory_unref(inventory);
    homelab_builder_free(builder);
}

/* What YAML leaves empty can be filled. */
static void test_fills_empty_mappings(void **state)
{
    (void)state;
    static const char *const texts[] = {"null", "nodes:", "nodes: {n: }", "nodes: {n: {ssh: }}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        homelab_inventory *from = NULL;
        homelab_builder *builder = NULL;
        assert_int_equal(homelab_inventory_load_text(&from, texts[i], strlen(texts[i]),
                                                     HOMELAB_FORMAT_YAML, NULL, NULL),
                         0);
        assert_int_equal(homelab_builder_new(&builder, from, NULL), 0);
        assert_int_equal(homelab_builder_set_number(builder, "nodes", "n", "ssh.port", 22), 0);
        assert_written(builder, "nodes:\n  \"n\":\n    ssh:\n      port: 22\n");
        homelab_builder_free(builder);
        homelab_inventory_unref(from);
    }
}

static void test_refuses(void **state)
{
    (void)state;
    homelab_builder *b = NULL;
    assert_int_equal(homelab_builder_new(&b, NULL, NULL), 0);
    static const struct {
        const char *section, *id, *key, *value;
        int error;
        const char *message;
    } cases[] = {
        {"node", "a", "host", "h", HOMELAB_E_INVALID,
         "section: expected tiers, nodes, endpoints, containers or models"},
        {NULL, "a", "host", "h", HOMELAB_E_INVALID,
         "section: expected tiers, nodes, endpoints, containers or models"},
        {"nodes", "", "host", "h", HOMELAB_E_INVALID, "id: expected a text that is not empty"},
        {"nodes", NULL, "host", "h", HOMELAB_E_INVALID, "id: expected a text that is not empty"},
        {"nodes", "\xFF", "host", "h", HOMELAB_E_UTF8, "id: expected UTF-8"},
        {"nodes", "a", NULL, "h", HOMELAB_E_INVALID, "key: expected a text that is not empty"},
        {"nodes", "a", "host", NULL, HOMELAB_E_INVALID, "value: expected a text"},
        {"nodes", "a", "host", "\xC3", HOMELAB_E_UTF8, "host: expected UTF-8"},
        {"nodes", "a", "gpus[", "h", HOMELAB_E_INVALID, NULL},
        {"nodes", "a", "gpus[]", "h", HOMELAB_E_INVALID, NULL},
        {"nodes", "a", "gpus[-1]", "h", HOMELAB_E_INVALID, NULL},
        {"nodes", "a", "gpus[0]x", "h", HOMELAB_E_INVALID, NULL},
        {"nodes", "a", "gpus[99999999999]", "h", HOMELAB_E_INVALID, NULL},
        {"nodes", "a", ".a", "h", HOMELAB_E_INVALID, NULL},
        {"nodes", "a", "a.", "h", HOMELAB_E_INVALID, NULL},
        {"nodes", "a", "a..b", "h", HOMELAB_E_INVALID, NULL},
        {"nodes", "a", "[0]", "h", HOMELAB_E_INVALID, NULL},
        {"nodes", "a", "a.b.c.d.e.f.g.h.i", "h", HOMELAB_E_INVALID, NULL},
        {"nodes", "a", "gpus[1]", "h", HOMELAB_E_INVALID,
         "key 'gpus[1]': expected an index up to the length of the list"},
        {"nodes", "a", "text.more", "h", HOMELAB_E_INVALID, NULL},
        {"nodes", "a", "text[0]", "h", HOMELAB_E_INVALID, NULL},
        {"nodes", "a", "list.more", "h", HOMELAB_E_INVALID, NULL},
    };
    assert_int_equal(homelab_builder_set_string(b, "nodes", "a", "text", "x"), 0);
    assert_int_equal(homelab_builder_set_string(b, "nodes", "a", "list[0]", "x"), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int error = homelab_builder_set_string(b, cases[i].section, cases[i].id, cases[i].key,
                                               cases[i].value);
        if (error != cases[i].error)
            fail_msg("%s: %d %s", cases[i].key, error, homelab_error_message());
        if (cases[i].message)
            assert_string_equal(homelab_error_message(), cases[i].message);
    }
    assert_int_equal(homelab_builder_set_number(b, "nodes", "a", "x", NAN), HOMELAB_E_INVALID);
    assert_int_equal(homelab_builder_set_number(b, "nodes", "a", "x", INFINITY), HOMELAB_E_INVALID);
    assert_int_equal(homelab_builder_remove(b, "nodes", "b", NULL), HOMELAB_E_NOT_FOUND);
    assert_int_equal(homelab_builder_remove(b, "models", "b", NULL), HOMELAB_E_NOT_FOUND);
    assert_int_equal(homelab_builder_remove(b, "nodes", "a", "host"), HOMELAB_E_NOT_FOUND);
    assert_int_equal(homelab_builder_remove(b, "nodes", "a", "list[1]"), HOMELAB_E_NOT_FOUND);
    assert_int_equal(homelab_builder_remove(b, "nodes", "a", "text.x"), HOMELAB_E_NOT_FOUND);
    homelab_builder_free(b);
}

/* A value that cannot be put there leaves nothing behind. */
static void test_failure_changes_nothing(void **state)
{
    (void)state;
    homelab_builder *b = NULL;
    assert_int_equal(homelab_builder_new(&b, NULL, NULL), 0);
    fill(b);
    assert_int_equal(homelab_builder_set_number(b, "nodes", "new", "gpus[1].memory_gib", 1),
                     HOMELAB_E_INVALID);
    assert_int_equal(homelab_builder_set_string(b, "endpoints", "local/ollama", "url.host", "h"),
                     HOMELAB_E_INVALID);
    assert_int_equal(homelab_builder_set_string(b, "nodes", "gpu0", "gpus[2].name", "h"),
                     HOMELAB_E_INVALID);
    assert_written(b, expected_yaml);
    homelab_builder_free(b);
}

static void test_null(void **state)
{
    (void)state;
    homelab_inventory *inventory = NULL;
    homelab_builder_free(NULL);
    assert_int_equal(homelab_builder_new(NULL, NULL, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_builder_set_string(NULL, "nodes", "a", "b", "c"), HOMELAB_E_INVALID);
    assert_int_equal(homelab_builder_set_number(NULL, "nodes", "a", "b", 1), HOMELAB_E_INVALID);
    assert_int_equal(homelab_builder_set_bool(NULL, "nodes", "a", "b", true), HOMELAB_E_INVALID);
    assert_int_equal(homelab_builder_remove(NULL, "nodes", "a", "b"), HOMELAB_E_INVALID);
    assert_int_equal(homelab_builder_build(NULL, &inventory), HOMELAB_E_INVALID);
}

static int build_all(void *userdata)
{
    (void)userdata;
    homelab_builder *b = NULL;
    homelab_inventory *inventory = NULL;
    int error = homelab_builder_new(&b, NULL, NULL);
    if (!error)
        error = homelab_builder_set_string(b, "endpoints", "e", "url", "http://h");
    if (!error)
        error = homelab_builder_set_string(b, "endpoints", "e", "tier", "nas");
    if (!error)
        error = homelab_builder_set_number(b, "nodes", "n", "gpus[0].memory_gib", 1);
    if (!error)
        error = homelab_builder_set_bool(b, "nodes", "n", "docker.desktop", true);
    if (!error)
        error = homelab_builder_remove(b, "nodes", "n", "docker.desktop");
    if (!error)
        error = homelab_builder_build(b, &inventory);
    if (error)
        failmalloc_failed(error);
    homelab_inventory_unref(inventory);
    homelab_builder_free(b);
    return error;
}

static void test_allocation_failures(void **state)
{
    (void)state;
    fail_each_allocation(build_all, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builds),
        cmocka_unit_test(test_problems_have_no_position),
        cmocka_unit_test(test_fills_empty_mappings),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_failure_changes_nothing),
        cmocka_unit_test(test_null),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
