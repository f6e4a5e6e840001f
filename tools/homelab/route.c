#include "asking.h"

#include <stdlib.h>

static void put_reasons(FILE *out, const homelab_decision *decision, size_t i)
{
    fprintf(out, "     ");
    for (int term = 0; term < HOMELAB_TERM_COUNT; term++)
        fprintf(out, " %s %+.1f", homelab_term_name(term),
                homelab_decision_term(decision, i, term));
    fputs(homelab_decision_sticky(decision, i)  ? "; keeps its conversation"
          : homelab_decision_trial(decision, i) ? "; a trial, it failed of late"
                                                : "",
          out);
    fputc('\n', out);
}

static void put_candidate(FILE *out, const homelab_decision *decision, size_t i, bool verbose)
{
    fprintf(out, "  %zu. ", i + 1);
    put_text(out, homelab_decision_model(decision, i), -1, 28);
    fputc(' ', out);
    put_text(out, homelab_decision_endpoint(decision, i), -1, 18);
    fprintf(out, " %5.1f points  %3.0f %%", homelab_decision_score(decision, i),
            100 * homelab_decision_weight(decision, i));
    if (homelab_decision_load_s(decision, i) > 0)
        fprintf(out, "  loads in about %.0f s", homelab_decision_load_s(decision, i));
    fputc('\n', out);
    if (!verbose)
        return;
    fprintf(out, "      %s\n", homelab_decision_url(decision, i));
    put_reasons(out, decision, i);
}

static void put_rejected(FILE *out, const homelab_decision *decision, bool verbose)
{
    const char *comma = "";
    if (homelab_decision_reject_count(decision, 0) == 0)
        return;
    fputs("rejected: ", out);
    for (int reject = 1; homelab_reject_name(reject); reject++) {
        size_t count = homelab_decision_reject_count(decision, reject);
        if (!count)
            continue;
        fprintf(out, "%s%zu %s", comma, count, homelab_reject_name(reject));
        comma = ", ";
    }
    fputc('\n', out);
    for (size_t i = 0; verbose && i < homelab_decision_rejected_count(decision); i++) {
        fputs("     ", out);
        put_text(out, homelab_decision_rejected_model(decision, i), -1, 28);
        fputc(' ', out);
        put_text(out, homelab_decision_rejected_endpoint(decision, i), -1, 18);
        fprintf(out, " %s\n", homelab_reject_name(homelab_decision_rejected_why(decision, i)));
    }
}

static char *write_decision(const homelab_decision *decision, bool verbose)
{
    struct text text;
    if (!text_open(&text))
        return NULL;
    int task = homelab_decision_task(decision);
    fprintf(text.stream, "%s (%s", homelab_task_name(task), homelab_decision_task_source(decision));
    if (homelab_decision_probability(decision, task) < 1)
        fprintf(text.stream, ", %.0f %%%s", 100 * homelab_decision_probability(decision, task),
                homelab_decision_mixed(decision) ? ", so all tasks count" : "");
    fputs(")\n", text.stream);
    for (size_t i = 0; i < homelab_decision_count(decision); i++)
        put_candidate(text.stream, decision, i, verbose);
    put_rejected(text.stream, decision, verbose);
    return text_close(&text);
}

static int show(const struct asking *asking, const homelab_decision *decision)
{
    if (!asking->json) {
        char *text = write_decision(decision, asking->verbose);
        int code = text ? put_document(text) : fail("out of memory");
        free(text);
        return code;
    }
    char *json = homelab_decision_json(decision);
    int code = json ? put_document(json) : fail_library("decision");
    homelab_free(json);
    return code ? code : put_document("\n");
}

static int route(struct asking *asking)
{
    homelab_decision *decision = NULL;
    if (homelab_decision_new(&decision, asking->router))
        return fail_library("decision");
    int found = homelab_router_decide(asking->router, asking->request, asking->text, asking->length,
                                      decision, HOMELAB_DECIDE_EXPLAIN);
    int code = 0;
    if (found < 0 && found != HOMELAB_E_ROUTE_NONE) {
        code = fail_library("decision");
    } else {
        if (found < 0)
            fail("%s", homelab_error_message());
        code = show(asking, decision);
    }
    homelab_decision_free(decision);
    return code ? code : found < 0 ? ASK_NONE : 0;
}

static int run(const struct command *self, int argc, char **argv)
{
    static const struct option longs[] = {ASKING_LONG,
                                          {"json", no_argument, NULL, 'j'},
                                          {"eval", required_argument, NULL, 'E'},
                                          {NULL, 0, NULL, 0}};
    struct asking asking = {0};
    const char *eval = NULL;
    int code = asking_open(&asking);
    for (int option;
         !code && (option = getopt_long(argc, argv, "j" ASKING_SHORT, longs, NULL)) != -1;) {
        if (option == '?' || option == 'h') {
            asking_close(&asking);
            return usage_end(self, option);
        }
        if (option == 'E')
            eval = optarg;
        else if (option == 'j')
            asking.json = true;
        else
            code = asking_take(&asking, option, optarg);
    }
    if (!code && eval) {
        asking_close(&asking);
        return optind < argc ? usage_end(self, '?') : route_eval(eval);
    }
    if (!code)
        code = asking_read(&asking, argc, argv);
    if (!code)
        code = asking_look(&asking);
    if (!code)
        code = route(&asking);
    asking_close(&asking);
    return code;
}

const struct command command_route = {
    .name = "route",
    .summary = "Says which model on which endpoint would answer a request, and why.",
    .usage =
        "[OPTION…] TEXT | --file PATH | -\n"
        "       homelab route --eval FILE.jsonl\n\n" ASKING_USAGE
        "  -j, --json             as JSON\n"
        "  -v, --verbose          with reasons, addresses and what was rejected\n"
        "      --eval FILE        label each row of a file (id, text, has_image, request_kind, "
        "label)\n"
        "                         and write one line a row; how many were right goes to "
        "stderr.\n"
        "                         No inventory is read; - is standard input\n\n"
        "Exit status: 0 there is a candidate, 2 there is none, 3 usage or inventory error.\n",
    .run = run,
};
