/* Bodies with another model's name, and answers as they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/error.h"
#include "route/answer.h"
#include "route/splice.h"

#include <stdio.h>
#include <string.h>

/* --- Bodies --- */

static void test_only_the_model_changes(void **state)
{
    (void)state;
    static const struct {
        const char *body, *expected;
        int streamed;
    } cases[] = {
        {"{}", "{\"model\":\"n\\\"w\"}", -1},
        {" { } ", " {\"model\":\"n\\\"w\" } ", -1},
        {"{\"a\":1}", "{\"model\":\"n\\\"w\",\"a\":1}", -1},
        {"{\"model\":\"old\"}", "{\"model\":\"n\\\"w\"}", -1},
        {"{ \"model\" :\t\"o\\\"d\" , \"stream\" : true }",
         "{ \"model\" :\t\"n\\\"w\" , \"stream\" : true }", 1},
        {"{\"stream\":false,\"model\":null}", "{\"stream\":false,\"model\":\"n\\\"w\"}", 0},
        {"{\"mo\\u0064el\":\"x\",\"z\":{\"model\":\"stays\"}}",
         "{\"mo\\u0064el\":\"n\\\"w\",\"z\":{\"model\":\"stays\"}}", -1},
        {"{\"model\\u0000x\":\"stays\",\"stream\\u0000\":true}",
         "{\"model\":\"n\\\"w\",\"model\\u0000x\":\"stays\",\"stream\\u0000\":true}", -1},
        {"{\"messages\":[{\"content\":\"\\\"model\\\":1, stream\"}]}",
         "{\"model\":\"n\\\"w\",\"messages\":[{\"content\":\"\\\"model\\\":1, stream\"}]}", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hl_body_shape shape;
        struct hl_buf out;
        hl_buf_init(&out, 4096);
        assert_int_equal(hl_body_shape(&shape, cases[i].body, strlen(cases[i].body)), 0);
        hl_body_splice(&out, &shape, cases[i].body, strlen(cases[i].body), "n\"w");
        assert_string_equal(out.data, cases[i].expected);
        assert_int_equal(shape.streamed, cases[i].streamed);
        hl_buf_free(&out);
    }
}

static void test_what_is_no_body(void **state)
{
    (void)state;
    static const char two_models[] = "{\"model\":1,\"mod\\u0065l\":[\"b\",{}],\"a\":1}";
    static const char *const wrong[] = {
        "", "[]", "{", "{\"model\":", "{} x", "null", "{\"a\":\"", two_models};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct hl_body_shape shape;
        assert_int_equal(hl_body_shape(&shape, wrong[i], strlen(wrong[i])), HOMELAB_E_SYNTAX);
    }
}

/* --- Answers --- */

struct heard {
    char text[256];
    int stop_after; /* texts; 0: never */
};

static int hear(const char *text, size_t length, void *userdata)
{
    struct heard *heard = userdata;
    assert_int_equal(strlen(text), length);
    strncat(heard->text, text, sizeof heard->text - strlen(heard->text) - 1);
    return heard->stop_after && --heard->stop_after == 0 ? HOMELAB_E_LIMIT : 0;
}

#define OPENAI                                                                                     \
    ": comment\r\n"                                                                                \
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\r\n\r\n"                           \
    "event: x\n"                                                                                   \
    "data:{\"choices\":[{\"delta\":{\"content\":\"Hé\"}}]}\n\n"                                   \
    "data: {\"choices\":[{\"delta\":{\"content\":\"llo\"},\"finish_reason\":\"stop\"}]}\n\n"       \
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n"           \
    "data: [DONE]\n\n"
#define OLLAMA                                                                                     \
    "{\"message\":{\"content\":\"Hé\"},\"done\":false}\n"                                         \
    "{\"message\":{\"content\":\"llo\"},\"done\":false}\n"                                         \
    "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"eval_count\":2,"     \
    "\"prompt_eval_count\":7}\n"

/* What the standard of event streams allows beside that. */
#define OTHER_LINES                                                                                \
    "\xef\xbb\xbf"                                                                                 \
    "data: {\"choices\":\r"                                                                        \
    "data: [{\"delta\":\r\n"                                                                       \
    ": comment\n"                                                                                  \
    "data: {\"content\":\"Hé\"}}]}\r\r"                                                           \
    "data: {\"choices\":[{\"delta\":{\"content\":\"llo\"},\"finish_reason\":\"stop\"}]}\r\n\r\n"   \
    "data: {\"choices\":[],\r"                                                                     \
    "data:\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\r\r"                            \
    "data: [DONE]\r\r"

/* In pieces of every size. */
static void test_streams(void **state)
{
    (void)state;
    static const struct {
        const char *stream;
        bool ollama;
    } cases[] = {{OPENAI, false}, {OLLAMA, true}, {OTHER_LINES, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t length = strlen(cases[i].stream);
        for (size_t step = 1; step <= length; step++) {
            struct heard heard = {.text = ""};
            struct hl_answer answer;
            hl_answer_init(&answer, cases[i].ollama, true, 4096, 32, hear, &heard);
            for (size_t at = 0; at < length; at += step)
                assert_int_equal(hl_answer_feed(&answer, cases[i].stream + at,
                                                length - at < step ? length - at : step),
                                 0);
            assert_int_equal(hl_answer_end(&answer), 0);
            assert_string_equal(heard.text, "Héllo");
            assert_true(answer.ended);
            assert_int_equal(answer.prompt_tokens, 7);
            assert_int_equal(answer.answer_tokens, 2);
            assert_string_equal(answer.finish, "stop");
            hl_answer_clear(&answer);
        }
    }
}

static int feed(const char *text, bool ollama, bool streamed, struct hl_answer *answer,
                struct heard *heard, size_t max)
{
    hl_answer_init(answer, ollama, streamed, max, 32, hear, heard);
    int code = hl_answer_feed(answer, text, strlen(text));
    if (!code)
        code = hl_answer_end(answer);
    hl_answer_clear(answer);
    return code;
}

static void test_ends(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ollama, streamed, failed;
        int code;
        const char *heard;
    } cases[] = {
        {"", false, true, false, HOMELAB_E_NET_CLOSED, ""},
        {"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", false, true, false,
         HOMELAB_E_NET_CLOSED, "a"},
        {"data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"length\"}]}",
         false, true, false, 0, "a"},
        {"{\"message\":{\"content\":\"a\"},\"done\":false}\n", true, true, false,
         HOMELAB_E_NET_CLOSED, "a"},
        {"data: {\"error\":{\"message\":\"x\"}}\n\n", false, true, true, 0, ""},
        {"{\"error\":\"x\"}\n", true, true, true, 0, ""},
        {"{\"error\":{\"code\":500}}", false, true, true, 0, ""},
        {"{\"error\":null,\"choices\":[{\"message\":{\"content\":\"a\"}}]}", false, false, false, 0,
         "a"},
        {"{\"choices\":[{\"message\":{\"content\":\"a\"}}]}", false, false, false, 0, "a"},
        {"{\"message\":{\"content\":\"a\"},\"done\":true}", true, false, false, 0, "a"},
        /* A stream was asked for, and all of it came at once. */
        {"{\"choices\":[{\"message\":{\"content\":\"a\"}}]}", false, true, false, 0, "a"},
        {"{\n  \"choices\": [\n{\"message\":{\"content\":\"a\"}}]\n\n}\n", false, true, false, 0,
         "a"},
        {"{\"message\":{\"content\":\"a\"},\"done\":true}", true, true, false, 0, "a"},
        {"{\r\n\"message\":{\"content\":\"a\"},\r\n\"done\":true}", true, true, false, 0, "a"},
        {"{\n \"error\": \"x\"\n}\n", false, true, true, 0, ""},
        {"{\n \"choices\": [\n", false, true, false, HOMELAB_E_NET_PROTOCOL, ""},
        {"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n{\nx\n", false, true, false,
         HOMELAB_E_NET_PROTOCOL, "a"},
        {"data: {\"choices\":[{\"delta\":{\"content\":\"a\\u0000\\\\u0000b\"}}]}\n\ndata: "
         "[DONE]\n\n",
         false, true, false, 0, "a\xef\xbf\xbd\\u0000b"},
        {"data: {\"error\":\n"
         "data: \"x\"}\n\n",
         false, true, true, 0, ""},
        {"data: {\"choices\":\ndata: [DONE]\n\n", false, true, false, HOMELAB_E_NET_PROTOCOL, ""},
        {"\xef\xbb\xbf{\"message\":{\"content\":\"a\"},\"done\":true}", true, true, false, 0, "a"},
        {"\xef\xbb\xbf{\"choices\":[{\"message\":{\"content\":\"a\"}}]}", false, false, false, 0,
         "a"},
        /* What some say beside each delta is the text so far. */
        {"data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"message\":{\"content\":\"a\"}}]}\n\n"
         "data: "
         "{\"choices\":[{\"delta\":{\"content\":\"b\"},\"message\":{\"content\":\"ab\"}}]}\n\n"
         "data: [DONE]\n\n",
         false, true, false, 0, "ab"},
        {"{\"data\":[{\"embedding\":[1]}],\"usage\":{\"prompt_tokens\":1}}", false, false, false, 0,
         ""},
        {"<html>", false, false, false, HOMELAB_E_NET_PROTOCOL, ""},
        {"", false, false, false, HOMELAB_E_NET_PROTOCOL, ""},
        {"data: {nonsense\n", false, true, false, HOMELAB_E_NET_PROTOCOL, ""},
        {"data: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n", false, true, false,
         HOMELAB_E_NET_PROTOCOL, ""},
        {"data: {\"choices\":[{\"delta\":{\"content\":7}}]}\n\ndata: [DONE]\n", false, true, false,
         0, ""},
        {"data: {\"choices\":{\"delta\":1}}\n\ndata: [DONE]", false, true, false, 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct heard heard = {.text = ""};
        struct hl_answer answer;
        int code = feed(cases[i].text, cases[i].ollama, cases[i].streamed, &answer, &heard, 4096);
        if (code != cases[i].code || answer.failed != cases[i].failed ||
            strcmp(heard.text, cases[i].heard) != 0)
            fail_msg("'%s': found %d, failed %d, '%s'", cases[i].text, code, answer.failed,
                     heard.text);
    }
}

static void test_limits(void **state)
{
    (void)state;
    struct heard heard = {.stop_after = 1};
    struct hl_answer answer;
    char long_line[4096];
    memset(long_line, 'x', sizeof long_line - 1);
    long_line[sizeof long_line - 1] = '\0';
    assert_int_equal(feed(long_line, false, true, &answer, &heard, 1000), HOMELAB_E_LIMIT);
    assert_int_equal(feed(OPENAI, false, true, &answer, &heard, 1000), HOMELAB_E_LIMIT);
    assert_string_equal(heard.text, "Hé");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_model_changes),
        cmocka_unit_test(test_what_is_no_body),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
