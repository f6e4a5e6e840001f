#include "core/alloc.h"
#include "route/classify.h"
#include "route/features.h"
#include "support/failmalloc.h"

#include <homelab/homelab.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int make(void **state)
{
    return homelab_classification_new((homelab_classification **)state, NULL);
}

static int drop(void **state)
{
    homelab_classification_free(*state);
    return 0;
}

static void expect_sound(const homelab_classification *is)
{
    double sum = 0;
    int best = HOMELAB_TASK_NONE;
    for (int task = 1; task <= HOMELAB_TASK_COUNT; task++) {
        double p = homelab_classification_probability(is, task);
        assert_true(p >= 0 && p <= 1);
        if (p > homelab_classification_probability(is, best))
            best = task;
        sum += p;
    }
    assert_true(sum > 0.999999 && sum < 1.000001);
    assert_int_equal(homelab_classification_task(is), best);
    assert_true(homelab_classification_confidence(is) ==
                homelab_classification_probability(is, best));
}

/* --- Texts --- */

static void knows_six_languages(void **state)
{
    static const struct {
        const char *text;
        int task;
    } cases[] = {
        {"Write a Python function that merges two sorted lists.", HOMELAB_TASK_CODE},
        {"Schreibe eine Python-Funktion, die prüft, ob eine Zahl eine Primzahl ist.",
         HOMELAB_TASK_CODE},
        {"¿Cómo ordenar una lista de diccionarios por clave en Python?", HOMELAB_TASK_CODE},
        {"Écris une fonction Python qui inverse une chaîne de caractères.", HOMELAB_TASK_CODE},
        {"用 Python 写一个快速排序函数。", HOMELAB_TASK_CODE},
        {"Pythonでリストから重複を取り除く方法", HOMELAB_TASK_CODE},
        {"Tom has 12 apples and gives 5 to Mary. How many apples are left if he then buys twice "
         "as many as he has?",
         HOMELAB_TASK_REASON},
        {"Anna kauft 3 Kisten mit je 12 Flaschen. Sie verkauft 20 Flaschen. Wie viele Flaschen "
         "hat sie noch?",
         HOMELAB_TASK_REASON},
        {"Juan tiene 15 manzanas y le da 4 a cada uno de sus 3 amigos. ¿Cuántas manzanas le "
         "quedan?",
         HOMELAB_TASK_REASON},
        {"Un train parcourt 60 km en 45 minutes. Combien de kilomètres parcourt-il en 2 heures ?",
         HOMELAB_TASK_REASON},
        {"小明有 24 个苹果，平均分给 6 个同学，每人得到几个苹果？", HOMELAB_TASK_REASON},
        {"太郎は1個80円のりんごを5個買い、1000円払いました。おつりはいくらですか？",
         HOMELAB_TASK_REASON},
        {"Ein Stein fällt 3 Sekunden lang frei. Wie tief fällt er?\nA) 15 m\nB) 30 m\nC) 45 m",
         HOMELAB_TASK_REASON},
        {"CSSのflexboxとgridの違いを説明してください。", HOMELAB_TASK_CODE},
        {"What does this print?\n\nfor (let i = 0; i < 3; i++) { console.log(i); }",
         HOMELAB_TASK_CODE},
        {"Write a heartfelt letter to my grandmother about the summers at her farm.",
         HOMELAB_TASK_CHAT},
        {"Verfasse einen ausführlichen Reisebericht über eine Reise nach Island.",
         HOMELAB_TASK_CHAT},
        {"Escribe una publicación de blog de viajes sobre un viaje a Hawái.", HOMELAB_TASK_CHAT},
        {"Comment puis-je améliorer mes compétences en gestion du temps ?", HOMELAB_TASK_CHAT},
        {"我想让你充当旅游指南，为我推荐附近的景点。", HOMELAB_TASK_CHAT},
        {"仕事のストレスを減らすにはどうすればよいですか？アドバイスをください。",
         HOMELAB_TASK_CHAT},
        {"who wrote the novel moby dick", HOMELAB_TASK_FAST},
        {"Wer ist der Bürgermeister von Hamburg?", HOMELAB_TASK_FAST},
        {"¿Cuál es la capital de Australia?", HOMELAB_TASK_FAST},
        {"Quelle est la capitale du Canada ?", HOMELAB_TASK_FAST},
        {"《红楼梦》的作者是谁？", HOMELAB_TASK_FAST},
        {"日本で一番高い山は何ですか", HOMELAB_TASK_FAST},
        {"What is the color of the car in the picture?", HOMELAB_TASK_VISION},
    };
    size_t count = sizeof cases / sizeof *cases, right = 0;
    for (size_t i = 0; i < count; i++) {
        const char *text = cases[i].text;
        assert_int_equal(homelab_classify_text(*state, text, strlen(text), 0), HOMELAB_OK);
        expect_sound(*state);
        assert_string_equal(homelab_classification_decided_by(*state), "text");
        int task = homelab_classification_task(*state);
        right += task == cases[i].task;
        if (task != cases[i].task)
            print_message("%s: %s\n", text, homelab_task_name(task));
    }
    /* A trained model may get a plain case wrong after it was trained anew; not several. */
    assert_in_range(right, count - 3, count);
}

static void flags_come_first(void **state)
{
    static const char text[] = "Write a Python function that merges two sorted lists.";
    static const struct {
        uint32_t needs;
        int task;
        const char *by;
    } cases[] = {
        {HOMELAB_NEED_VISION, HOMELAB_TASK_VISION, "image"},
        {HOMELAB_NEED_EMBEDDING, HOMELAB_TASK_EMBED, "embedding"},
        {HOMELAB_NEED_VISION | HOMELAB_NEED_EMBEDDING, HOMELAB_TASK_EMBED, "embedding"},
        {HOMELAB_NEED_TOOLS | HOMELAB_NEED_JSON, HOMELAB_TASK_CODE, "text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(homelab_classify_text(*state, text, sizeof text - 1, cases[i].needs), 0);
        expect_sound(*state);
        assert_int_equal(homelab_classification_task(*state), cases[i].task);
        assert_string_equal(homelab_classification_decided_by(*state), cases[i].by);
        assert_int_equal(homelab_classification_needs(*state), cases[i].needs);
    }
}

static void takes_any_bytes(void **state)
{
    uint32_t random = 1;
    unsigned char bytes[4096];
    for (size_t length = 0; length <= sizeof bytes; length = length * 2 + 1) {
        for (int kind = 0; kind < 4; kind++) {
            for (size_t i = 0; i < length; i++) {
                random = random * 1664525u + 1013904223u;
                bytes[i] = kind == 0   ? (unsigned char)(random >> 24)
                           : kind == 1 ? 0
                           : kind == 2 ? 0xEF
                                       : 0xFF;
            }
            assert_int_equal(homelab_classify_text(*state, (char *)bytes, length, 0), HOMELAB_OK);
            expect_sound(*state);
        }
    }
    assert_int_equal(homelab_classify_text(*state, NULL, 0, 0), HOMELAB_OK);
    expect_sound(*state);
}

/* The middle of a long prompt is not read: 64 MiB of it change nothing but the tokens. */
static void bounds_long_prompts(void **state)
{
    static const char question[] = "Fix the bug in this Python function:\n";
    size_t length = (size_t)64 << 20;
    char *text = malloc(length);
    assert_non_null(text);
    memset(text, 'a', length);
    memcpy(text, question, sizeof question - 1);
    assert_int_equal(homelab_classify_text(*state, text, 4096, 0), HOMELAB_OK);
    double few = homelab_classification_confidence(*state);
    assert_int_equal(homelab_classify_text(*state, text, length, 0), HOMELAB_OK);
    assert_true(few == homelab_classification_confidence(*state));
    assert_in_range(homelab_classification_prompt_tokens(*state), length / 4, length / 3);
    free(text);
}

static void window_keeps_head_and_tail(void **state)
{
    (void)state;
    unsigned char all[3000], out[HL_SAMPLE_MAX], expected[HL_SAMPLE_MAX];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (unsigned char)(i * 7 + i / 256);
    static const size_t pieces[] = {1, 3, 100, 255, 256, 257, 1000, 3000};
    for (size_t length = 0; length <= sizeof all; length += 37) {
        size_t whole = length < HL_SAMPLE_MAX ? length : HL_SAMPLE_MAX;
        size_t head = whole < HL_SAMPLE_HEAD ? whole : HL_SAMPLE_HEAD;
        memcpy(expected, all, head);
        memcpy(expected + head, all + length - (whole - head), whole - head);
        for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
            struct hl_sample sample;
            hl_sample_reset(&sample);
            for (size_t at = 0; at < length; at += pieces[p])
                hl_sample_add(&sample, all + at, length - at < pieces[p] ? length - at : pieces[p]);
            assert_int_equal(hl_sample_text(&sample, out), whole);
            assert_memory_equal(out, expected, whole);
        }
    }
}

/* Case, width and white space of a text make no difference. */
static void normalises(void **state)
{
    static const char *const pairs[][2] = {
        {"what IS the capital   of Peru?", "What is the Capital of Peru?"},
        {"Ｗｈａｔ　ｉｓ Python？", "what is python?"},
        {"ÉCRIS UN POÈME", "écris un poème"},
        {"  a\n\n\tb  ", "a b"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        uint16_t a[HL_FEATURES_MAX], b[HL_FEATURES_MAX];
        size_t count = hl_features((const unsigned char *)pairs[i][0], strlen(pairs[i][0]), a);
        assert_int_equal(count,
                         hl_features((const unsigned char *)pairs[i][1], strlen(pairs[i][1]), b));
        assert_memory_equal(a, b, count * sizeof *a);
    }
    (void)state;
}

/* --- Bodies --- */

#define CHAT(text) "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":" text "}]}"
#define CODE       "Write a Python function that merges two sorted lists."

static void reads_bodies(void **state)
{
    static const struct {
        const char *path, *body;
        int task;
        uint32_t needs;
        int64_t answer_tokens;
    } cases[] = {
        {NULL, CHAT("\"" CODE "\""), HOMELAB_TASK_CODE, 0, 0},
        {"/v1/chat/completions", CHAT("[{\"type\":\"text\",\"text\":\"" CODE "\"}]"),
         HOMELAB_TASK_CODE, 0, 0},
        {NULL,
         CHAT("[{\"type\":\"text\",\"text\":\"" CODE
              "\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA\"}}]"),
         HOMELAB_TASK_VISION, HOMELAB_NEED_VISION, 0},
        {NULL, CHAT("[{\"image_url\":\"x\",\"type\":\"input_image\"}]"), HOMELAB_TASK_VISION,
         HOMELAB_NEED_VISION, 0},
        {"/api/chat",
         "{\"messages\":[{\"content\":\"what\",\"images\":[\"AA==\"],\"role\":\"user\"}]}",
         HOMELAB_TASK_VISION, HOMELAB_NEED_VISION, 0},
        {"/api/generate", "{\"prompt\":\"" CODE "\",\"images\":[]}", HOMELAB_TASK_CODE, 0, 0},
        {"/api/generate", "{\"prompt\":\"hi\",\"images\":[\"AA==\"]}", HOMELAB_TASK_VISION,
         HOMELAB_NEED_VISION, 0},
        {NULL, "{\"input\":\"a text\",\"model\":\"e\"}", HOMELAB_TASK_EMBED, HOMELAB_NEED_EMBEDDING,
         0},
        {NULL, "{\"input\":[\"a\",\"b\"]}", HOMELAB_TASK_EMBED, HOMELAB_NEED_EMBEDDING, 0},
        {NULL, "{\"input\":[[1,2],[3]]}", HOMELAB_TASK_EMBED, HOMELAB_NEED_EMBEDDING, 0},
        {"http://h/api/embeddings?x=/y", "{\"prompt\":\"a\"}", HOMELAB_TASK_EMBED,
         HOMELAB_NEED_EMBEDDING, 0},
        {"/api/embed/", "{\"input\":\"a\"}", HOMELAB_TASK_EMBED, HOMELAB_NEED_EMBEDDING, 0},
        {"/v1/responses", "{\"input\":\"" CODE "\",\"max_output_tokens\":64}", HOMELAB_TASK_CODE, 0,
         64},
        {NULL, "{\"input\":[{\"role\":\"user\",\"content\":\"" CODE "\"}]}", HOMELAB_TASK_CODE, 0,
         0},
        {NULL, "{\"prompt\":\"" CODE "\",\"format\":\"json\",\"options\":{\"num_predict\":128}}",
         HOMELAB_TASK_CODE, HOMELAB_NEED_JSON, 128},
        {NULL, "{\"prompt\":\"" CODE "\",\"options\":{\"num_predict\":-1}}", HOMELAB_TASK_CODE, 0,
         0},
        {NULL, "{\"prompt\":\"" CODE "\",\"format\":{\"type\":\"object\"},\"max_tokens\":1e3}",
         HOMELAB_TASK_CODE, HOMELAB_NEED_JSON, 1},
        {NULL,
         "{\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{}},\"tools\":[{}],"
         "\"max_completion_tokens\":99999999999999999999,\"prompt\":\"" CODE "\"}",
         HOMELAB_TASK_CODE, HOMELAB_NEED_JSON | HOMELAB_NEED_TOOLS, 9007199254740992},
        {NULL, "{\"response_format\":{\"type\":\"text\"},\"tools\":[],\"prompt\":\"" CODE "\"}",
         HOMELAB_TASK_CODE, 0, 0},
        {NULL,
         " {\"messages\" : [ {\"role\":\"user\",\"content\":\"" CODE
         "\"}, {\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"a\":[1,{}]}]},"
         "{\"role\":\"user\",\"content\":\"go on\"} ] } \n",
         HOMELAB_TASK_CODE, 0, 0},
        {NULL,
         "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello, how are you?\"},{\"role\":"
         "\"user\",\"content\":\"Write a P\\u0079thon function that merges two sorted "
         "lists.\"}]}",
         HOMELAB_TASK_CODE, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *body = cases[i].body;
        print_message("%s\n", body);
        assert_int_equal(homelab_classify_request(*state, cases[i].path, body, strlen(body), 0),
                         HOMELAB_OK);
        expect_sound(*state);
        assert_string_equal(homelab_task_name(homelab_classification_task(*state)),
                            homelab_task_name(cases[i].task));
        assert_int_equal(homelab_classification_needs(*state), cases[i].needs);
        assert_int_equal(homelab_classification_answer_tokens(*state), cases[i].answer_tokens);
        assert_int_equal(homelab_classification_context_tokens(*state),
                         homelab_classification_prompt_tokens(*state) + cases[i].answer_tokens);
    }
}

/* A body says the same as its text. */
static void body_equals_text(void **state)
{
    static const char body[] =
        CHAT("\"\\u00dc\\ud83d\\ude00 \\ud83d \\\"\\\\\\/\\b\\f\\n\\r\\t caf\\u00e9 \\u4e2d\"");
    static const char text[] =
        "\xC3\x9C\xF0\x9F\x98\x80 \xEF\xBF\xBD \"\\/\b\f\n\r\t caf\xC3\xA9 \xE4\xB8\xAD";
    double p[HOMELAB_TASK_COUNT];
    assert_int_equal(homelab_classify_text(*state, text, sizeof text - 1, 0), 0);
    for (int task = 1; task <= HOMELAB_TASK_COUNT; task++)
        p[task - 1] = homelab_classification_probability(*state, task);
    int64_t tokens = homelab_classification_prompt_tokens(*state);
    assert_int_equal(homelab_classify_request(*state, NULL, body, sizeof body - 1, 0), 0);
    for (int task = 1; task <= HOMELAB_TASK_COUNT; task++)
        assert_true(p[task - 1] == homelab_classification_probability(*state, task));
    assert_int_equal(homelab_classification_prompt_tokens(*state), tokens);
}

static void refuses_what_is_no_object(void **state)
{
    static const char *const bodies[] = {
        "",
        " ",
        "null",
        "[]",
        "\"x\"",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":}",
        "{\"a\":1}x",
        "{\"a\":\"",
        "{\"a\":\"\\",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u123g\"}",
        "{\"messages\":[}",
        "{\"messages\":[{]}",
        "{\"messages\":[{\"content\":[{\"text\":\"a}]}]}",
        "{\"input\":[\"a\",]}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        print_message("%s\n", bodies[i]);
        assert_int_equal(homelab_classify_request(*state, NULL, bodies[i], strlen(bodies[i]), 0),
                         HOMELAB_E_SYNTAX);
        assert_int_equal(homelab_error_code(), HOMELAB_E_SYNTAX);
        assert_int_equal(homelab_classification_task(*state), HOMELAB_TASK_NONE);
        assert_true(homelab_classification_confidence(*state) == 0);
    }
}

static void survives_deep_nesting(void **state)
{
    size_t depth = 1000000;
    char *body = malloc(2 * depth + 16);
    assert_non_null(body);
    strcpy(body, "{\"a\":");
    memset(body + 5, '[', depth);
    memset(body + 5 + depth, ']', depth);
    strcpy(body + 5 + 2 * depth, "}");
    assert_int_equal(homelab_classify_request(*state, NULL, body, strlen(body), 0), HOMELAB_OK);
    assert_int_equal(homelab_classify_request(*state, NULL, body, strlen(body) - 2, 0),
                     HOMELAB_E_SYNTAX);
    free(body);
}

/* --- The object --- */

static void takes_no_memory(void **state)
{
    static const char body[] = CHAT("[{\"type\":\"text\",\"text\":\"" CODE "\"}]");
    uint64_t before = hl_alloc_count();
    for (int i = 0; i < 100; i++) {
        assert_int_equal(homelab_classify_text(*state, CODE, sizeof CODE - 1, 0), 0);
        assert_int_equal(homelab_classify_request(*state, NULL, body, sizeof body - 1, 0), 0);
    }
    assert_int_equal(hl_alloc_count(), before);
}

static int build_and_write(void *userdata)
{
    homelab_classification *is = NULL;
    int code = homelab_classification_new(&is, NULL);
    if (code)
        return failmalloc_failed(code);
    char *json = NULL;
    code = homelab_classify_text(is, userdata, strlen(userdata), 0);
    if (!code && !(json = homelab_classification_json(is)))
        code = failmalloc_failed(homelab_error_code());
    homelab_free(json);
    homelab_classification_free(is);
    return code;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    fail_each_allocation(build_and_write, CODE);
}

static void abstains(void **state)
{
    (void)state;
    static const struct {
        double below;
        bool abstains;
    } cases[] = {{0, false}, {1, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        homelab_opts *opts = NULL;
        homelab_classification *is = NULL;
        assert_int_equal(homelab_opts_new(&opts), 0);
        assert_int_equal(
            homelab_opts_set_double(opts, HOMELAB_OPT_CLASSIFY_ABSTAIN_BELOW, cases[i].below), 0);
        assert_int_equal(homelab_classification_new(&is, opts), 0);
        assert_false(homelab_classification_abstains(is));
        assert_int_equal(homelab_classify_text(is, "hm", 2, 0), 0);
        assert_int_equal(homelab_classification_abstains(is), cases[i].abstains);
        assert_int_not_equal(homelab_classification_task(is), HOMELAB_TASK_NONE);
        homelab_classification_free(is);
        homelab_opts_free(opts);
    }
}

static void writes_json(void **state)
{
    assert_int_equal(
        homelab_classify_text(*state, "a secret", 8, HOMELAB_NEED_VISION | HOMELAB_NEED_TOOLS), 0);
    char *json = homelab_classification_json(*state);
    assert_string_equal(json, "{\"schema\":1,\"task\":\"vision\",\"decided_by\":\"image\","
                              "\"confidence\":1,\"abstains\":false,\"probabilities\":{\"code\":0,"
                              "\"reason\":0,\"chat\":0,\"fast\":0,\"vision\":1,\"embed\":0},"
                              "\"needs\":[\"vision\",\"tools\"],\"prompt_tokens\":1031,"
                              "\"answer_tokens\":0}");
    homelab_free(json);
}

static void names_tasks(void **state)
{
    (void)state;
    for (int task = 1; task <= HOMELAB_TASK_COUNT; task++)
        assert_int_equal(homelab_task_find(homelab_task_name(task)), task);
    assert_string_equal(homelab_task_name(0), "none");
    assert_string_equal(homelab_task_name(-1), "none");
    assert_string_equal(homelab_task_name(HOMELAB_TASK_COUNT + 1), "none");
    assert_int_equal(homelab_task_find("none"), HOMELAB_TASK_NONE);
    assert_int_equal(homelab_task_find("Code"), HOMELAB_TASK_NONE);
    assert_int_equal(homelab_task_find(NULL), HOMELAB_TASK_NONE);
}

static void takes_wrong_arguments(void **state)
{
    assert_int_equal(homelab_classification_new(NULL, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_classify_text(NULL, "a", 1, 0), HOMELAB_E_INVALID);
    assert_int_equal(homelab_classify_text(*state, NULL, 1, 0), HOMELAB_E_INVALID);
    assert_int_equal(homelab_classify_text(*state, "a", 1, 16), HOMELAB_E_INVALID);
    assert_int_equal(homelab_classify_request(NULL, NULL, "{}", 2, 0), HOMELAB_E_INVALID);
    assert_int_equal(homelab_classify_request(*state, NULL, NULL, 2, 0), HOMELAB_E_INVALID);
    assert_int_equal(homelab_classify_request(*state, NULL, "{}", 2, 1u << 31), HOMELAB_E_INVALID);
    assert_int_equal(homelab_classification_task(NULL), HOMELAB_TASK_NONE);
    assert_true(homelab_classification_probability(NULL, 1) == 0);
    assert_true(homelab_classification_probability(*state, -1) == 0);
    assert_true(homelab_classification_probability(*state, 7) == 0);
    assert_true(homelab_classification_confidence(NULL) == 0);
    assert_false(homelab_classification_abstains(NULL));
    assert_int_equal(homelab_classification_needs(NULL), 0);
    assert_int_equal(homelab_classification_prompt_tokens(NULL), 0);
    assert_int_equal(homelab_classification_answer_tokens(NULL), 0);
    assert_int_equal(homelab_classification_context_tokens(NULL), 0);
    assert_string_equal(homelab_classification_decided_by(NULL), "none");
    assert_null(homelab_classification_json(NULL));
    homelab_classification_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(knows_six_languages, make, drop),
        cmocka_unit_test_setup_teardown(flags_come_first, make, drop),
        cmocka_unit_test_setup_teardown(takes_any_bytes, make, drop),
        cmocka_unit_test_setup_teardown(bounds_long_prompts, make, drop),
        cmocka_unit_test(window_keeps_head_and_tail),
        cmocka_unit_test(normalises),
        cmocka_unit_test_setup_teardown(reads_bodies, make, drop),
        cmocka_unit_test_setup_teardown(body_equals_text, make, drop),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_object, make, drop),
        cmocka_unit_test_setup_teardown(survives_deep_nesting, make, drop),
        cmocka_unit_test_setup_teardown(takes_no_memory, make, drop),
        cmocka_unit_test(survives_failing_allocations),
        cmocka_unit_test(abstains),
        cmocka_unit_test_setup_teardown(writes_json, make, drop),
        cmocka_unit_test(names_tasks),
        cmocka_unit_test_setup_teardown(takes_wrong_arguments, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
