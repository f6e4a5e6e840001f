/* Classification of each prompt of a JSONL file ("text"), through the public API, as a plain text
 * and as a chat request. Prints a JSON object: microseconds at the median and the 99th percentile
 * (each prompt counts with its fastest of all rounds, to leave other work on the machine out), and
 * how often memory and locks were taken while classifying. */
#include "calls_counted.h"

#include <homelab/homelab.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct prompt {
    char *text, *body;
    double text_us, body_us;
};

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static char *body_of(const char *text)
{
    cJSON *root = cJSON_CreateObject(), *message = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "model", "any");
    cJSON_AddStringToObject(message, "role", "user");
    cJSON_AddStringToObject(message, "content", text);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(root, "messages"), message);
    char *body = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    return body;
}

static size_t load(const char *path, struct prompt **out)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0, count = 0, capacity = 0;
    while (file && getline(&line, &size, file) >= 0) {
        cJSON *row = cJSON_Parse(line);
        const cJSON *text = cJSON_GetObjectItemCaseSensitive(row, "text");
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 1024;
            struct prompt *more = realloc(*out, capacity * sizeof *more);
            if (!more)
                exit(1);
            *out = more;
        }
        if (cJSON_IsString(text))
            (*out)[count++] =
                (struct prompt){strdup(text->valuestring), body_of(text->valuestring), 1e9, 1e9};
        cJSON_Delete(row);
    }
    free(line);
    if (file)
        fclose(file);
    return count;
}

static void measure(homelab_classification *is, struct prompt *prompt)
{
    size_t text_length = strlen(prompt->text), body_length = strlen(prompt->body);
    double begin = now_us();
    int code = homelab_classify_text(is, prompt->text, text_length, 0);
    double middle = now_us();
    code |= homelab_classify_request(is, NULL, prompt->body, body_length, 0);
    double end = now_us();
    if (code)
        exit(1);
    if (middle - begin < prompt->text_us)
        prompt->text_us = middle - begin;
    if (end - middle < prompt->body_us)
        prompt->body_us = end - middle;
}

static int by_text(const void *a, const void *b)
{
    double x = ((const struct prompt *)a)->text_us, y = ((const struct prompt *)b)->text_us;
    return (x > y) - (x < y);
}

static int by_body(const void *a, const void *b)
{
    double x = ((const struct prompt *)a)->body_us, y = ((const struct prompt *)b)->body_us;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    struct prompt *prompts = NULL;
    size_t count = argc > 1 ? load(argv[1], &prompts) : 0;
    int rounds = argc > 2 ? atoi(argv[2]) : 20;
    homelab_classification *is = NULL;
    if (!count || homelab_classification_new(&is, NULL)) {
        fprintf(stderr, "usage: %s FILE.jsonl [ROUNDS]\n", argv[0]);
        return 1;
    }
    struct calls_counted before = calls_counted();
    for (int round = 0; round < rounds; round++)
        for (size_t i = 0; i < count; i++)
            measure(is, &prompts[i]);
    struct calls_counted after = calls_counted();
    qsort(prompts, count, sizeof *prompts, by_text);
    printf("{\"prompts\":%zu,\"allocations\":%llu,\"locks\":%llu,\"text_p50_us\":%.2f,"
           "\"text_p99_us\":%.2f,",
           count, (unsigned long long)(after.allocations - before.allocations),
           (unsigned long long)(after.locks - before.locks), prompts[count / 2].text_us,
           prompts[count * 99 / 100].text_us);
    qsort(prompts, count, sizeof *prompts, by_body);
    printf("\"body_p50_us\":%.2f,\"body_p99_us\":%.2f}\n", prompts[count / 2].body_us,
           prompts[count * 99 / 100].body_us);
    for (size_t i = 0; i < count; i++) {
        free(prompts[i].text);
        free(prompts[i].body);
    }
    free(prompts);
    homelab_classification_free(is);
    return 0;
}
