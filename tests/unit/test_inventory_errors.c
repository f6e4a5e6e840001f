/* Each kind of problem: exact message, line and column, in JSON and in YAML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/error.h"
#include "core/value.h"
#include "homelab/inventory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text; /* one line of flow YAML, which is JSON where it has double quotes */
    const char *problems;
} cases[] = {
    {"{\"a\": 1}",
     "1:2: a: found an unknown key, expected one of $schema, tiers, nodes, endpoints, "
     "containers, models, routes, rules"},
    {"{\"endpoint\": {}}", "1:2: endpoint: found an unknown key, expected one of $schema, tiers, "
                           "nodes, endpoints, containers, models, routes, rules; did you mean "
                           "'endpoints'?"},
    {"[]", "1:1: found a list, expected a mapping"},
    {"{\"endpoints\": []}",
     "1:15: endpoints: found a list, expected a mapping from ids to mappings"},
    {"{\"endpoints\": {\"e\": 1}}", "1:21: endpoints.e: found the number 1, expected a mapping"},
    {"{\"endpoints\": {\"e\": null}}",
     "1:16: endpoints.e.url: found nothing, expected an address such as "
     "http://host:11434/api/tags\n"
     "1:16: endpoints.e.tier: found nothing, expected a text"},
    {"{\"nodes\": {\"a b\": {}}}",
     "1:12: nodes.\"a b\": found the name 'a b', expected 1 to 128 bytes without white space, "
     "commas, quotes and control characters"},
    {"{\"nodes\": {\"\": {}}}",
     "1:12: nodes.\"\": found the name '', expected 1 to 128 bytes without white space, commas, "
     "quotes and control characters"},
    {"{\"tiers\": {\"a b\": {}}}", "1:12: tiers.\"a b\": found the name 'a b', expected 1 to 64 "
                                   "letters, digits, '.', '_' or '-'"},
    {"{\"models\": {\"a\\nb\": {}}}", "1:13: models.\"a\\nb\": found the name 'a b', expected 1 to "
                                      "256 bytes without control characters"},
    {"{\"containers\": {\"-c\": {\"node\": \"n\"}}, \"nodes\": {\"n\": {}}}",
     "1:17: containers.-c: found the name '-c', expected 1 to 128 letters, digits, '.', '_' or "
     "'-', the first one a letter or digit"},
    /* Tiers */
    {"{\"tiers\": {\"A\": {}, \"a\": {}}}",
     "1:21: tiers.a: found the tier a second time (case does "
     "not matter), expected it once"},
    {"{\"tiers\": {\"a\": {\"order\": -1}}}",
     "1:27: tiers.a.order: found the number -1, expected a whole number from 0 to 10000"},
    {"{\"tiers\": {\"cloud\": {}}, \"endpoints\": {\"e\": {\"url\": \"http://h\", \"tier\": "
     "\"clod\"}}}",
     "1:73: endpoints.e.tier: found 'clod', expected one of the declared tiers, local, remote, nas "
     "or gateway; did you mean 'cloud'?"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h\", \"tier\": \"a b\"}}}",
     "1:49: endpoints.e.tier: found what is no name of a tier, expected 1 to 64 letters, digits, "
     "'.', '_' or '-'"},
    /* Routes and rules */
    {"{\"routes\": {\"cod\": []}}", "1:13: routes.cod: found an unknown key, expected one of code, "
                                    "reason, chat, vision, fast, embed; did you mean 'code'?"},
    {"{\"routes\": {\"code\": [\"m @ e\"]}}",
     "1:22: routes.code[0]: found 'e' after ' @ ', expected the id of an endpoint"},
    {"{\"rules\": [{\"task\": \"code\"}]}",
     "1:12: rules[0]: found no condition, expected contains, matches or tag"},
    {"{\"rules\": [{\"matches\": \"a(\", \"task\": \"code\"}]}",
     "1:24: rules[0].matches: found a '(' without its ')', expected one"},
    {"{\"rules\": [{\"tag\": \"a\"}]}",
     "1:12: rules[0].task: found nothing, expected one of code, reason, chat, vision, fast, embed"},
    /* Nodes */
    {"{\"nodes\": {\"n\": {\"host\": \"http://h/\"}}}",
     "1:26: nodes.n.host: found the text 'http://h/', expected a host name or IP address without "
     "scheme and path"},
    {"{\"nodes\": {\"n\": {\"host\": \"h:80\"}}}",
     "1:26: nodes.n.host: found the text 'h:80', expected a host name or IP address"},
    {"{\"nodes\": {\"n\": {\"host\": \"192.168.1.300\"}}}",
     "1:26: nodes.n.host: found the text '192.168.1.300', expected a host name or IP address"},
    {"{\"nodes\": {\"n\": {\"host\": \"root:pw@h\"}}}",
     "1:26: nodes.n.host: found a text with '@', expected a host name or IP address"},
    {"{\"nodes\": {\"n\": {\"host\": \"\"}}}",
     "1:26: nodes.n.host: found an empty text, expected a host name or IP address"},
    {"{\"nodes\": {\"n\": {\"os\": \"lunix\"}}}",
     "1:24: nodes.n.os: found the text 'lunix', expected one of linux, windows, macos, synology; "
     "did you mean 'linux'?"},
    {"{\"nodes\": {\"n\": {\"mac\": \"aa:bb:cc:dd:ee\"}}}",
     "1:25: nodes.n.mac: found the text 'aa:bb:cc:dd:ee', expected six pairs of hexadecimal digits "
     "such as aa:bb:cc:dd:ee:ff"},
    {"{\"nodes\": {\"n\": {\"ram_gib\": 0}}}",
     "1:29: nodes.n.ram_gib: found the number 0, expected a number from 0.001 to 1048576"},
    {"{\"nodes\": {\"n\": {\"gpus\": {}}}}",
     "1:26: nodes.n.gpus: found a mapping, expected a list of mappings"},
    {"{\"nodes\": {\"n\": {\"gpus\": [{\"memory_gib\": \"24\"}]}}}",
     "1:42: nodes.n.gpus[0].memory_gib: found the text '24', expected a number from 0.001 to "
     "1048576"},
    {"{\"nodes\": {\"n\": {\"gpus\": [{\"memory_gib\": 24, \"used_gib\": 25}]}}}",
     "1:58: nodes.n.gpus[0].used_gib: found the number 25, expected at most the GPU's memory_gib"},
    {"{\"nodes\": {\"n\": {\"ssh\": {\"port\": 65536}}}}",
     "1:34: nodes.n.ssh.port: found the number 65536, expected a whole number from 1 to 65535"},
    {"{\"nodes\": {\"n\": {\"ssh\": {\"port\": 22.5}}}}",
     "1:34: nodes.n.ssh.port: found the number 22.5, expected a whole number from 1 to 65535"},
    {"{\"nodes\": {\"n\": {\"ssh\": {\"host\": \"${HL_UNSET}\"}}}}",
     "1:34: nodes.n.ssh.host: found the variable ${HL_UNSET}, which is not set, expected a value "
     "in "
     "the environment"},
    {"{\"nodes\": {\"n\": {\"rdp\": {\"password\": \"hunter2\"}}}}",
     "1:38: nodes.n.rdp.password: found what is no reference (not repeated here: it may be a "
     "secret), expected a reference such as env:NAME"},
    {"{\"nodes\": {\"n\": {\"ssh\": {\"key\": \"-----BEGIN OPENSSH PRIVATE KEY-----hunter2\"}}}}",
     "1:33: nodes.n.ssh.key: found a private key (not repeated here), expected a text"},
    {"{\"nodes\": {\"n\": {\"docker\": {\"desktop\": \"yes\"}}}}",
     "1:40: nodes.n.docker.desktop: found the text 'yes', expected true or false"},
    /* Addresses */
    {"{\"endpoints\": {\"e\": {\"url\": \"\", \"tier\": \"nas\"}}}",
     "1:29: endpoints.e.url: found an empty text, expected an address such as "
     "http://host:11434/api/tags"},
    {"{\"endpoints\": {\"e\": {\"url\": \"localhost:11434\", \"tier\": \"nas\"}}}",
     "1:29: endpoints.e.url: found the address 'localhost:11434', expected http://, https:// or "
     "tcp://"},
    {"{\"endpoints\": {\"e\": {\"url\": \"ftp://h\", \"tier\": \"nas\"}}}",
     "1:29: endpoints.e.url: found the address 'ftp://h', expected http://, https:// or tcp://"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://\", \"tier\": \"nas\"}}}",
     "1:29: endpoints.e.url: found the address 'http://', expected a host name or address"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h:0/\", \"tier\": \"nas\"}}}",
     "1:29: endpoints.e.url: found the address 'http://h:0/', expected a port from 1 to 65535"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h:70000\", \"tier\": \"nas\"}}}",
     "1:29: endpoints.e.url: found the address 'http://h:70000', expected a port from 1 to 65535"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://a..b/\", \"tier\": \"nas\"}}}",
     "1:29: endpoints.e.url: found the address 'http://a..b/', expected a host name or IP address "
     "in it"},
    {"{\"nodes\": {\"n\": {\"os\": true, \"gpus\": [{\"name\": false}]}}}",
     "1:24: nodes.n.os: found true, expected one of linux, windows, macos, synology\n"
     "1:48: nodes.n.gpus[0].name: found false, expected a text (in quotes)"},
    {"{\"endpoints\": {\"e\": {\"url\": \"tcp://h\", \"tier\": \"nas\"}}}",
     "1:29: endpoints.e.url: found the address 'tcp://h', expected a port after the host of "
     "tcp://"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h/#x\", \"tier\": \"nas\"}}}",
     "1:29: endpoints.e.url: found the address 'http://h/…', expected none with '#'"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h h/\", \"tier\": \"nas\"}}}",
     "1:29: endpoints.e.url: found the address 'http://h h/' (found a space or control character), "
     "expected http://HOST:PORT/PATH"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h:x?key=sk-1\", \"tier\": \"nas\"}}}",
     "1:29: endpoints.e.url: found the address 'http://h:x…', expected a port from 1 to 65535"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://user:hunter2@h/\", \"tier\": \"nas\"}}}",
     "1:29: endpoints.e.url: found an address with '@' (not repeated here: it may hold a "
     "password), "
     "expected no user name or password in it; use api_key with a reference"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://${HL_USER}/\", \"tier\": \"nas\"}}}",
     "1:29: endpoints.e.url: found the address 'http://${HL_USER}/', expected no user name or "
     "password in it; use api_key with a reference"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://${HL_UNSET}:1\", \"tier\": \"nas\"}}}",
     "1:29: endpoints.e.url: found the variable ${HL_UNSET}, which is not set, expected a value in "
     "the environment"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://${HL_EMPTY}\", \"tier\": \"nas\"}}}",
     "1:29: endpoints.e.url: found the variable ${HL_EMPTY}, which is empty, expected a value in "
     "the environment"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://${HL:-x}\", \"tier\": \"nas\"}}}",
     "1:29: endpoints.e.url: found '${' without a variable name and '}', expected ${NAME}"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://${\", \"tier\": \"nas\"}}}",
     "1:29: endpoints.e.url: found '${' without a variable name and '}', expected ${NAME}"},
    {"{\"endpoints\": {\"e\": {\"url\": 5, \"tier\": \"nas\"}}}",
     "1:29: endpoints.e.url: found the number 5, expected an address such as "
     "http://host:11434/api/tags"},
    /* Endpoints */
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h\", \"tier\": \"nas\", \"timout\": 3}}}",
     "1:56: endpoints.e.timout: found an unknown key, expected one of url, tier, node, backend, "
     "models, api_key, ca, insecure, depth, timeout, interval, fast_interval, down_interval, "
     "patience, weight; did you mean 'timeout'?"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h\", \"tier\": \"nas\", \"timeout\": 0}}}",
     "1:67: endpoints.e.timeout: found the number 0, expected a number from 0.001 to 86400"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h\", \"tier\": \"nas\", \"timeout\": 86401}}}",
     "1:67: endpoints.e.timeout: found the number 86401, expected a number from 0.001 to 86400"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h\", \"tier\": \"nas\", \"timeout\": \"8\"}}}",
     "1:67: endpoints.e.timeout: found the text '8', expected a number from 0.001 to 86400"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h\", \"tier\": \"nas\", \"interval\": -1e300}}}",
     "1:68: endpoints.e.interval: found the number -1e300, expected a number from 0.1 to 86400"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h\", \"tier\": \"nas\", \"backend\": "
     "\"Ollama\"}}}",
     "1:67: endpoints.e.backend: found the text 'Ollama', expected one of auto, ollama, llamacpp, "
     "litellm, vllm, lmstudio, tabbyapi, llamaswap, openai, http, tcp; did you mean 'ollama'?"},
    {"{\"endpoints\": {\"e\": {\"url\": \"tcp://h:1\", \"tier\": \"nas\", \"backend\": \"vllm\"}}}",
     "1:68: endpoints.e.backend: found 'vllm', expected tcp for an address with tcp://"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h\", \"tier\": \"nas\", \"depth\": \"deep\"}}}",
     "1:65: endpoints.e.depth: found the text 'deep', expected one of tcp, http, scheduler, "
     "progress, canary"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h\", \"tier\": \"nas\", \"api_key\": \"sk-1\"}}}",
     "1:67: endpoints.e.api_key: found what is no reference (not repeated here: it may be a "
     "secret), expected a reference such as env:NAME"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h\", \"tier\": \"nas\", \"api_key\": "
     "\"${KEY}\"}}}",
     "1:67: endpoints.e.api_key: found what is no reference (not repeated here: it may be a "
     "secret), expected a reference such as env:NAME"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h\", \"tier\": \"nas\", \"api_key\": 31337}}}",
     "1:67: endpoints.e.api_key: found a number, expected a reference such as env:NAME"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h\", \"tier\": \"nas\", \"node\": \"gpu1\"}}, "
     "\"nodes\": {\"gpu0\": {}}}",
     "1:64: endpoints.e.node: found 'gpu1', expected the id of a node; did you mean 'gpu0'?"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h\", \"tier\": \"nas\", \"node\": \"gpu1\"}}}",
     "1:64: endpoints.e.node: found 'gpu1', expected the id of a node (there are none)"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h\", \"tier\": \"nas\", \"models\": \"a\"}}}",
     "1:66: endpoints.e.models: found the text 'a', expected a list of texts"},
    {"{\"endpoints\": {\"e\": {\"url\": \"http://h\", \"tier\": \"nas\", \"models\": [\"a\", 1, "
     "\"a\"]}}}",
     "1:72: endpoints.e.models[1]: found the number 1, expected a text (in quotes)\n"
     "1:75: endpoints.e.models: found 'a' a second time, expected it once"},
    /* Containers and models */
    {"{\"containers\": {\"c\": {\"node\": \"n\", \"gate\": \"e\", \"gpu\": \"RTX\"}}, \"nodes\": "
     "{\"n\": {\"gpus\": [{\"name\": \"RTX 4090\", \"memory_gib\": 24}]}}}",
     "1:44: containers.c.gate: found 'e', expected the id of an endpoint (there are none)\n"
     "1:56: containers.c.gpu: found 'RTX', expected a GPU of node 'n' by name or number, or 'all'"},
    {"{\"nodes\": {\"n\": {}}, \"models\": {\"a\": {\"pin\": \"m\"}, \"b\": {\"pin\": \"n/gpu0\"}, "
     "\"c\": {\"pin\": \"n/cpu\"}}}",
     "1:46: models.a.pin: found 'm', expected a node, NODE/gpuNUMBER or NODE/cpu\n"
     "1:65: models.b.pin: found 'n/gpu0', expected a node, NODE/gpuNUMBER or NODE/cpu"},
    {"{\"models\": {\"a\": {\"apart\": [\"a\", \"c\"]}}}",
     "1:29: models.a.apart[0]: found the model itself, expected another one; see replicas\n"
     "1:34: models.a.apart[1]: found 'c', expected the id of a model"},
    {"{\"containers\": {\"c\": {\"mounts\": [{\"source\": \"a\"}]}}}",
     "1:17: containers.c.node: found nothing, expected a text\n"
     "1:34: containers.c.mounts[0].target: found nothing, expected a text"},
    {"{\"models\": {\"m\": {\"endpoints\": [\"e\"], \"roles\": [\"cod\"], \"context\": 0}}}",
     "1:33: models.m.endpoints[0]: found 'e', expected the id of an endpoint (there are none)\n"
     "1:49: models.m.roles[0]: found the text 'cod', expected one of code, reason, chat, vision, "
     "fast, embed; did you mean 'code'?\n"
     "1:68: models.m.context: found the number 0, expected a whole number from 1 to 1000000000"},
    /* Reading */
    {"{\"nodes\": {\"n\": {}, \"n\": {}}}",
     "1:21: nodes.n: found the key a second time (first in line 1), expected it once"},
    {"{\"nodes\": {\"n\": {\"os\": \"x\"}, \"n\": {}}, \"a\": 1}",
     "1:24: nodes.n.os: found the text 'x', expected one of linux, windows, macos, synology\n"
     "1:30: nodes.n: found the key a second time (first in line 1), expected it once\n"
     "1:40: a: found an unknown key, expected one of $schema, tiers, nodes, endpoints, containers, "
     "models, routes, rules"},
};

/* Problems as one text, without the name in front. */
static void collect(char *to, size_t size, const char *text, int format)
{
    homelab_report *report = NULL;
    size_t length = 0;
    assert_int_equal(homelab_report_text(&report, text, strlen(text), format, "f", NULL), 0);
    to[0] = '\0';
    for (size_t i = 0; i < homelab_report_count(report); i++) {
        const char *message = homelab_report_message(report, i);
        assert_memory_equal(message, "f:", 2);
        char place[64];
        snprintf(place, sizeof place, "f:%d:%d: ", homelab_report_line(report, i),
                 homelab_report_column(report, i));
        assert_memory_equal(message, place, strlen(place));
        const char *path = homelab_report_path(report, i);
        assert_memory_equal(message + strlen(place), path, strlen(path));
        length += (size_t)snprintf(to + length, size - length, "%s%s", i ? "\n" : "", message + 2);
        assert_true(length < size);
    }
    homelab_report_free(report);
}

/* JSON is flow YAML, so both readers must give the same places and words. */
static void test_each_kind(void **state)
{
    (void)state;
    size_t failures = 0;
    setenv("HL_USER", "user:hunter2@host", 1);
    setenv("HL_EMPTY", "", 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char found[4096];
        for (int format = HOMELAB_FORMAT_JSON; format <= HOMELAB_FORMAT_YAML; format++) {
            collect(found, sizeof found, cases[i].text, format);
            if (strcmp(found, cases[i].problems) != 0) {
                print_error("%s\nfound    %s\nexpected %s\n", cases[i].text, found,
                            cases[i].problems);
                failures++;
            }
            assert_null(strstr(found, "hunter2"));
            assert_null(strstr(found, "sk-1"));
            assert_null(strstr(found, "31337"));
        }
    }
    assert_int_equal(failures, 0);
    unsetenv("HL_USER");
    unsetenv("HL_EMPTY");
}

static void test_block_yaml_positions(void **state)
{
    (void)state;
    char found[2048];
    collect(found, sizeof found,
            "# comment\n"
            "nodes:\n"
            "  gpu0:\n"
            "    host: a b\n"
            "    \xC3\xA9t\xC3\xA9: 1\n"
            "endpoints:\n"
            "  local/ollama: # comment\n"
            "    url: http://h\n"
            "    tier: nas\n"
            "    timeout: eight\n",
            HOMELAB_FORMAT_YAML);
    assert_string_equal(
        found,
        "4:11: nodes.gpu0.host: found the text 'a b', expected a host name or IP address\n"
        "5:5: nodes.gpu0.\"\xC3\xA9t\xC3\xA9\": found an unknown key, expected one of host, os, "
        "mac, ram_gib, ram_used_gib, gpus, ssh, docker, rdp\n"
        "10:14: endpoints.\"local/ollama\".timeout: found the text 'eight', expected a number from "
        "0.001 to 86400");
}

static void test_syntax_stops_at_the_first(void **state)
{
    (void)state;
    char found[1024];
    collect(found, sizeof found, "{\"a\": 1,\n\"nodes\": [}", HOMELAB_FORMAT_JSON);
    assert_string_equal(found, "2:11: nodes[0]: found '}', expected a value or ']'");
    homelab_inventory *inventory = NULL;
    assert_int_equal(homelab_inventory_load_text(&inventory, "[", 1, 0, "x.json", NULL),
                     HOMELAB_E_SYNTAX);
    assert_string_equal(homelab_error_subject(), "x.json");
    assert_int_equal(homelab_inventory_load_text(&inventory, "{\"a\":1}", 7, 0, NULL, NULL),
                     HOMELAB_E_INVENTORY);
    assert_null(inventory);
}

/* One line each, whatever stands in a name. */
static void test_hostile_names(void **state)
{
    (void)state;
    homelab_report *report = NULL;
    char text[3000];
    size_t length = (size_t)snprintf(text, sizeof text, "{\"nodes\": {\"a\\nb\\u001b[31m");
    memset(text + length, 'x', 2000);
    length += 2000;
    length += (size_t)snprintf(text + length, sizeof text - length, "\": {\"os\": \"\\r\\n\"}}}");
    assert_int_equal(homelab_report_text(&report, text, length, HOMELAB_FORMAT_JSON, "a\nb", NULL),
                     0);
    assert_int_equal(homelab_report_count(report), 2);
    for (size_t i = 0; i < 2; i++) {
        const char *message = homelab_report_message(report, i);
        for (const char *c = message; *c; c++)
            assert_true((unsigned char)*c >= 0x20);
        assert_true(strlen(message) < 1200);
    }
    homelab_report_free(report);
}

static void test_tiers_are_limited(void **state)
{
    (void)state;
    char text[8192] = "tiers: {";
    char found[1024];
    size_t length = strlen(text);
    for (int i = 0; i < 65; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "t%d: {}, ", i);
    snprintf(text + length, sizeof text - length, "}");
    collect(found, sizeof found, text, HOMELAB_FORMAT_YAML);
    assert_non_null(strstr(found, ": tiers.t64: found more than 64 tiers, expected fewer"));
    length = (size_t)snprintf(text, sizeof text, "endpoints: {");
    for (int i = 0; i < 65; i++)
        length += (size_t)snprintf(text + length, sizeof text - length,
                                   "e%d: {url: 'http://h', tier: t%d}, ", i, i);
    snprintf(text + length, sizeof text - length, "}");
    collect(found, sizeof found, text, HOMELAB_FORMAT_YAML);
    assert_non_null(strstr(found, ": endpoints.e64.tier: found more than 64 tiers"));
}

static void test_depth_is_limited(void **state)
{
    (void)state;
    char text[200];
    char found[1024];
    memset(text, '[', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    collect(found, sizeof found, text, HOMELAB_FORMAT_JSON);
    assert_non_null(strstr(found, "1:33: [0][0]"));
    assert_non_null(strstr(found, "found nesting deeper than 32 levels"));
}

static void test_nan_cannot_be_written(void **state)
{
    (void)state;
    char found[1024];
    collect(found, sizeof found, "nodes: {n: {ram_gib: .nan}}", HOMELAB_FORMAT_YAML);
    assert_string_equal(found,
                        "1:22: nodes.n.ram_gib: found the text '.nan', expected a number from "
                        "0.001 to 1048576");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind),
        cmocka_unit_test(test_block_yaml_positions),
        cmocka_unit_test(test_syntax_stops_at_the_first),
        cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_tiers_are_limited),
        cmocka_unit_test(test_depth_is_limited),
        cmocka_unit_test(test_nan_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
