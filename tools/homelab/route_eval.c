/* homelab route --eval: labels for rows of a file, and how good they are where the rows say. */
#include "cli.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What the summary is made of. */
struct tally {
    size_t rows, bad, labelled, right;
    size_t found[HOMELAB_TASK_COUNT + 1][HOMELAB_TASK_COUNT + 1]; /* [expected][found] */
    double *times;                                                /* us, one a row without error */
    size_t timed, capacity;
};

struct row {
    cJSON *json;
    const cJSON *id;
    const char *digits; /* of an id that is a whole number, in the line */
    int digit_count;
    const char *text;
    uint32_t needs;
    int label; /* HOMELAB_TASK_NONE: not said */
};

/* --- One row --- */

/* cJSON ends a text at U+0000; a space stands for it here. */
static void blank_nul_escapes(char *line)
{
    for (char *at = strchr(line, '\\'); at && at[1]; at = strchr(at + 2, '\\'))
        if (strncmp(at, "\\u0000", 6) == 0)
            memcpy(at, "\\u0020", 6);
}

static const char *end_of_string(const char *at)
{
    for (at++; *at != '"'; at++)
        at += *at == '\\';
    return at;
}

/* cJSON's numbers are doubles, which change large ones. The line is an object with a numeric id. */
static void find_digits(struct row *row, const char *line)
{
    static const char blank[] = " \t\r\n";
    int depth = 0;
    for (const char *at = line; *at; at++) {
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        if (*at != '"')
            continue;
        const char *from = at;
        at = end_of_string(at);
        const char *value = at + 1 + strspn(at + 1, blank);
        if (depth != 1 || strncmp(from, "\"id\"", 4) != 0 || *value != ':')
            continue;
        row->digits = value + 1 + strspn(value + 1, blank);
        bool negative = *row->digits == '-';
        size_t count = strspn(row->digits + negative, "0123456789");
        const char *end = row->digits + negative + count;
        if (count && row->digits[negative] != '0' && strchr(" \t\r\n,}", *end))
            row->digit_count = (int)(negative + count);
        return;
    }
}

static const char *read_flags(struct row *row)
{
    const cJSON *image = cJSON_GetObjectItemCaseSensitive(row->json, "has_image");
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(row->json, "request_kind");
    if (image && !cJSON_IsBool(image) && !cJSON_IsNull(image))
        return "has_image: expected true or false";
    if (cJSON_IsTrue(image))
        row->needs |= HOMELAB_NEED_VISION;
    if (!kind || cJSON_IsNull(kind))
        return NULL;
    if (cJSON_IsString(kind) && strcmp(kind->valuestring, "embeddings") == 0)
        row->needs |= HOMELAB_NEED_EMBEDDING;
    else if (!cJSON_IsString(kind) || strcmp(kind->valuestring, "chat") != 0)
        return "request_kind: expected \"chat\" or \"embeddings\"";
    return NULL;
}

/* NULL, or what is wrong with it. */
static const char *read_row(struct row *row, char *line)
{
    blank_nul_escapes(line);
    const char *end = NULL;
    row->json = cJSON_ParseWithOpts(line, &end, true);
    if (!cJSON_IsObject(row->json))
        return "expected a JSON object";
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(row->json, "id");
    if (!cJSON_IsString(id) && !cJSON_IsNumber(id))
        return "id: expected a text or a number";
    row->id = id;
    if (cJSON_IsNumber(id))
        find_digits(row, line);
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(row->json, "text");
    if (!cJSON_IsString(text))
        return "text: expected a text";
    row->text = text->valuestring;
    const cJSON *label = cJSON_GetObjectItemCaseSensitive(row->json, "label");
    if (cJSON_IsString(label))
        row->label = homelab_task_find(label->valuestring);
    return read_flags(row);
}

static int put_row(const struct row *row, const char *key, const char *value)
{
    char *id = row->digit_count ? strndup(row->digits, (size_t)row->digit_count)
               : row->id        ? cJSON_PrintUnformatted(row->id)
                                : strdup("null");
    if (!id)
        return fail("out of memory");
    printf("{\"id\":%s,\"%s\":", id, key);
    put_json(stdout, value);
    puts("}");
    free(id);
    return 0;
}

/* --- The summary --- */

static int keep_time(struct tally *tally, const struct timespec *from, const struct timespec *to)
{
    if (tally->timed == tally->capacity) {
        size_t capacity = tally->capacity ? tally->capacity * 2 : 1024;
        double *times = realloc(tally->times, capacity * sizeof *times);
        if (!times)
            return fail("out of memory");
        tally->times = times;
        tally->capacity = capacity;
    }
    tally->times[tally->timed++] =
        (double)(to->tv_sec - from->tv_sec) * 1e6 + (double)(to->tv_nsec - from->tv_nsec) / 1e3;
    return 0;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void count(struct tally *tally, int expected, int found)
{
    if (expected == HOMELAB_TASK_NONE)
        return;
    tally->labelled++;
    tally->right += expected == found;
    tally->found[expected][found]++;
}

/* F1 of a task, and by expected how many rows have it. */
static double f1(const struct tally *tally, int task, size_t *expected)
{
    size_t found = 0, right = tally->found[task][task];
    *expected = 0;
    for (int other = 1; other <= HOMELAB_TASK_COUNT; other++) {
        *expected += tally->found[task][other];
        found += tally->found[other][task];
    }
    return *expected + found ? 2.0 * (double)right / (double)(*expected + found) : 0;
}

static void put_quality(const struct tally *tally)
{
    double sum = 0;
    int tasks = 0;
    fprintf(stderr, "%-8s %6s %6s  found as:", "task", "rows", "F1");
    for (int task = 1; task <= HOMELAB_TASK_COUNT; task++)
        fprintf(stderr, " %7s", homelab_task_name(task));
    fputc('\n', stderr);
    for (int task = 1; task <= HOMELAB_TASK_COUNT; task++) {
        size_t expected;
        double score = f1(tally, task, &expected);
        if (!expected)
            continue;
        sum += score;
        tasks++;
        fprintf(stderr, "%-8s %6zu %6.3f           ", homelab_task_name(task), expected, score);
        for (int other = 1; other <= HOMELAB_TASK_COUNT; other++)
            fprintf(stderr, " %7zu", tally->found[task][other]);
        fputc('\n', stderr);
    }
    fprintf(stderr, "accuracy %.3f, macro-F1 %.3f over %zu labelled rows\n",
            (double)tally->right / (double)tally->labelled, sum / tasks, tally->labelled);
}

static void put_summary(struct tally *tally)
{
    if (tally->labelled)
        put_quality(tally);
    if (tally->timed) {
        qsort(tally->times, tally->timed, sizeof *tally->times, compare);
        fprintf(stderr, "time p50 %.1f us, p99 %.1f us\n", tally->times[tally->timed / 2],
                tally->times[tally->timed * 99 / 100]);
    }
    fprintf(stderr, "%zu rows, %zu bad\n", tally->rows, tally->bad);
}

/* --- The file --- */

static int classify_row(struct tally *tally, homelab_classification *classification,
                        const struct row *row)
{
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    int code = homelab_classify_text(classification, row->text, strlen(row->text), row->needs);
    clock_gettime(CLOCK_MONOTONIC, &to);
    if (code)
        return fail_library("classify");
    int task = homelab_classification_task(classification);
    count(tally, row->label, task);
    if (keep_time(tally, &from, &to))
        return CLI_ERROR;
    return put_row(row, "label", homelab_task_name(task));
}

static int do_line(struct tally *tally, homelab_classification *classification, char *line)
{
    struct row row = {0};
    tally->rows++;
    const char *wrong = read_row(&row, line);
    tally->bad += wrong != NULL;
    int code = wrong ? put_row(&row, "error", wrong) : classify_row(tally, classification, &row);
    cJSON_Delete(row.json);
    return code;
}

static int do_file(FILE *file, const char *path, homelab_classification *classification)
{
    struct tally tally = {0};
    char *line = NULL;
    size_t size = 0;
    int code = 0;
    errno = 0;
    for (ssize_t length; !code && (length = getline(&line, &size, file)) >= 0;) {
        if (strspn(line, " \t\r\n") == (size_t)length)
            continue;
        code = do_line(&tally, classification, line);
        errno = 0;
    }
    if (!code && (ferror(file) || errno))
        code = fail("%s: %s", path, strerror(errno));
    if (!code && (fflush(stdout) != 0 || ferror(stdout)))
        code = fail("standard output: %s", strerror(errno));
    if (!code)
        put_summary(&tally);
    free(line);
    free(tally.times);
    return code ? code : tally.bad ? CLI_ERROR : CLI_HEALTHY;
}

int route_eval(const char *path)
{
    homelab_classification *classification = NULL;
    if (homelab_classification_new(&classification, NULL))
        return fail_library("classification");
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    int code = file ? do_file(file, path, classification) : fail("%s: %s", path, strerror(errno));
    if (file && file != stdin)
        fclose(file);
    homelab_classification_free(classification);
    return code;
}
