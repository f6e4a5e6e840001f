#include "net/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void parses(void **state)
{
    (void)state;
    static const struct {
        const char *url, *scheme, *host;
        int port;
        const char *path, *base;
        bool credentials;
    } cases[] = {
        {"http://gpu0", "http", "gpu0", 80, "/", "http://gpu0:80", false},
        {"http://localhost:11434/api/tags", "http", "localhost", 11434, "/api/tags",
         "http://localhost:11434", false},
        {"HTTPS://GPU0.Lan/v1/models?a=b&c=d#part", "https", "gpu0.lan", 443, "/v1/models?a=b&c=d",
         "https://gpu0.lan:443", false},
        {"http://h:8080?x=1", "http", "h", 8080, "/?x=1", "http://h:8080", false},
        {"http://[::1]:8080/", "http", "::1", 8080, "/", "http://[::1]:8080", false},
        {"http://[2001:DB8::0001]/", "http", "2001:db8::1", 80, "/", "http://[2001:db8::1]:80",
         false},
        {"http://[fe80::1%25eth0]:1/", "http", "fe80::1%eth0", 1, "/", "http://[fe80::1%25eth0]:1",
         false},
        {"tcp://10.0.0.7:22", "tcp", "10.0.0.7", 22, "/", "tcp://10.0.0.7:22", false},
        {"http://user:pass@h:1/p", "http", "h", 1, "/p", "http://h:1", true},
        {"http://user@h:1/p", "http", "h", 1, "/p", "http://h:1", true},
        {"http://:pass@h:1/p", "http", "h", 1, "/p", "http://h:1", true},
        {"http://h:65535/%7e/%20", "http", "h", 65535, "/%7e/%20", "http://h:65535", false},
        {"unix:///var/run/docker.sock", "unix", "", 0, "/var/run/docker.sock",
         "unix:///var/run/docker.sock", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hl_url url;
        print_message("%s\n", cases[i].url);
        assert_int_equal(hl_url_parse(&url, cases[i].url), HOMELAB_OK);
        assert_string_equal(url.scheme, cases[i].scheme);
        assert_string_equal(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_string_equal(url.path, cases[i].path);
        assert_string_equal(url.base, cases[i].base);
        assert_int_equal(url.credentials, cases[i].credentials);
    }
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        const char *url, *says;
    } cases[] = {
        {"", "expected http://"},
        {"localhost:11434", "expected http://"},
        {"//host/path", "expected http://"},
        {"ftp://host/", "expected http://"},
        {"httpx://host/", "expected http://"},
        {"averyveryverylongscheme://host", "expected http://"},
        {"http://", "host"},
        {"http:///path", "host"},
        {"http://:80/", "host"},
        {"http://%30/", "escapes"},
        {"http://u:p@%6c/", "escapes"},
        {"http://host:0/", "port from 1"},
        {"http://host:65536/", "port from 1"},
        {"http://host:99999999999999999999/", "port from 1"},
        {"http://host:8o/", "port from 1"},
        {"http://host:-1/", "port from 1"},
        {"tcp://host", "port after the host"},
        {"http://[::1", "url: "},
        {"http://[::g]/", "IPv6"},
        {"http://ho st/", "space"},
        {"http://host/\r\nX-Evil: 1", "space or control"},
        {"http://h\xc3\xb6st/", "ASCII"},
        {"unix://", "absolute path"},
        {"unix:///", "absolute path"},
        {"unix://relative.sock", "absolute path"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hl_url url = {.port = 4711};
        print_message("%s\n", cases[i].url);
        assert_int_equal(hl_url_parse(&url, cases[i].url), HOMELAB_E_INVALID);
        assert_non_null(strstr(homelab_error_message(), cases[i].says));
        assert_int_equal(url.port, 4711);
    }
    assert_int_equal(hl_url_parse(NULL, "http://h"), HOMELAB_E_INVALID);
    assert_int_equal(hl_url_parse(&(struct hl_url){.port = 0}, NULL), HOMELAB_E_INVALID);
}

static void refuses_what_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        size_t length;
    } cases[] = {{"http://h/", "", 1024},   {"http://h/?", "", 1024},  {"http://", "/", 256},
                 {"unix:///", "", 1024},    {"http://h/", "", 100000}, {"http://", "/", 70000},
                 {"unix:///", ".sock", 510}};
    static char url[100100];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t before = strlen(cases[i].before);
        memcpy(url, cases[i].before, before);
        memset(url + before, 'a', cases[i].length);
        strcpy(url + before + cases[i].length, cases[i].after);
        struct hl_url parsed;
        assert_int_equal(hl_url_parse(&parsed, url), HOMELAB_E_INVALID);
    }
}

static void message_keeps_password_out(void **state)
{
    (void)state;
    struct hl_url url;
    assert_int_equal(hl_url_parse(&url, "http://user:hunter2@host:0/"), HOMELAB_E_INVALID);
    assert_null(strstr(homelab_error_message(), "hunter2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(refuses),
        cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(message_keeps_password_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
