#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/error.h"
#include "inventory/text.h"

#include <stdlib.h>
#include <string.h>

static void test_hosts(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        bool valid;
    } cases[] = {
        {"localhost", true},
        {"REMOTE_IP", true},
        {"gpu0.lan", true},
        {"a-b.c", true},
        {"3com", true},
        {"192.168.1.20", true},
        {"::1", true},
        {"fe80::1%eth0", true},
        {"2001:db8::ffff:1.2.3.4", true},
        {"", false},
        {"192.168.1.300", false},
        {"1.2.3", false},
        {"1", false},
        {"a..b", false},
        {".a", false},
        {"-a", false},
        {"a.-b", false},
        {"a b", false},
        {"a:80", false},
        {"[::1]", false},
        {"fe80::1%", false},
        {"::g", false},
        {"http://a", false},
        {"\xC3\xA9", false},
        {"0123456789012345678901234567890123456789012345678901234567890123", false}, /* digits */
        {"a123456789012345678901234567890123456789012345678901234567890123", false}, /* 64 */
        {"a12345678901234567890123456789012345678901234567890123456789012.b", true}, /* 63 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (hl_host_valid(cases[i].host) != cases[i].valid)
            fail_msg("%s", cases[i].host);
    char long_name[300];
    memset(long_name, 'a', sizeof long_name);
    for (size_t i = 50; i < sizeof long_name; i += 51)
        long_name[i] = '.';
    long_name[253] = '\0';
    assert_true(hl_host_valid(long_name));
    long_name[253] = 'a';
    long_name[254] = '\0';
    assert_false(hl_host_valid(long_name));
}

static void test_normalized_hosts(void **state)
{
    (void)state;
    static const struct {
        const char *host, *normalized;
    } cases[] = {
        {"GPU0.Lan", "gpu0.lan"},
        {"FE80:0:0::0001", "fe80::1"},
        {"FE80::0001%eth0", "fe80::1%eth0"},
        {"10.0.0.1", "10.0.0.1"},
        {"a-very-long-name-that-is-longer-than-any-address-of-IPv6-can-be.lan",
         "a-very-long-name-that-is-longer-than-any-address-of-ipv6-can-be.lan"},
    };
    char to[128];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(hl_host_normalize(to, sizeof to, cases[i].host));
        assert_string_equal(to, cases[i].normalized);
    }
    assert_false(hl_host_normalize(to, 5, "12345"));
    assert_true(hl_host_normalize(to, 6, "12345"));
}

static void test_macs(void **state)
{
    (void)state;
    char to[HL_MAC_SIZE];
    assert_true(hl_mac_normalize(to, "AA-bb-0C-dd-EE-ff"));
    assert_string_equal(to, "aa:bb:0c:dd:ee:ff");
    assert_true(hl_mac_normalize(to, "00:11:22:33:44:55"));
    static const char *const bad[] = {"",
                                      "aabbccddeeff",
                                      "aa:bb:cc:dd:ee",
                                      "aa:bb:cc:dd:ee:fg",
                                      "aa:bb-cc:dd:ee:ff",
                                      "aa:bb:cc:dd:ee:ff:00",
                                      "aa bb cc dd ee ff",
                                      "a:bb:cc:dd:ee:ff0"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(hl_mac_normalize(to, bad[i]));
}

static void assert_expands(const char *text, int error, const char *expected)
{
    struct hl_buf out;
    struct hl_buf wrong;
    hl_buf_init(&out, HL_EXPANDED_MAX);
    hl_buf_init(&wrong, 1000);
    assert_int_equal(hl_env_expand(&out, text, &wrong), error);
    assert_string_equal(error ? wrong.data : out.data, expected);
    hl_buf_free(&out);
    hl_buf_free(&wrong);
}

static void test_variables(void **state)
{
    (void)state;
    setenv("HL_A", "x", 1);
    setenv("HL_B2", "${HL_A}", 1);
    assert_expands("a", HOMELAB_OK, "a");
    assert_expands("${HL_A}", HOMELAB_OK, "x");
    assert_expands("1${HL_A}2${HL_A}", HOMELAB_OK, "1x2x");
    assert_expands("$HL_A $ $$ {HL_A} }", HOMELAB_OK, "$HL_A $ $$ {HL_A} }");
    assert_expands("$${HL_A}", HOMELAB_OK, "$x");
    /* Values are not looked into again. */
    assert_expands("${HL_B2}", HOMELAB_OK, "${HL_A}");
    static const char syntax[] = "found '${' without a variable name and '}', expected ${NAME}";
    assert_expands("${}", HOMELAB_E_INVALID, syntax);
    assert_expands("a${HL_A", HOMELAB_E_INVALID, syntax);
    assert_expands("${1A}", HOMELAB_E_INVALID, syntax);
    assert_expands("${HL A}", HOMELAB_E_INVALID, syntax);
    assert_expands("${HL_A:-y}", HOMELAB_E_INVALID, syntax);
    assert_expands("${${HL_A}}", HOMELAB_E_INVALID, syntax);
    char large[HL_EXPANDED_MAX + 2];
    memset(large, 'a', sizeof large);
    large[sizeof large - 1] = '\0';
    assert_expands(large, HOMELAB_E_INVALID,
                   "found more than 4096 bytes with variables filled in, expected fewer");
    unsetenv("HL_A");
    unsetenv("HL_B2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_normalized_hosts),
        cmocka_unit_test(test_macs),
        cmocka_unit_test(test_variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
