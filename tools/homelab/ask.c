#include "asking.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define ASK_CUT 1 /* the answer broke off */

static homelab_ctx *asked;
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
    homelab_ctx_wakeup(asked);
}

static int put_piece(const homelab_event *event)
{
    size_t length = homelab_event_data_length(event);
    if (fwrite(homelab_event_data(event), 1, length, stdout) != length || fflush(stdout) != 0)
        return fail("standard output: %s", strerror(errno));
    return 0;
}

/* All events that wait; an error of stdout cancels. */
static int take_events(const struct asking *asking, homelab_op *op)
{
    homelab_event *event;
    int code = 0;
    while (homelab_ctx_next_event(asking->ctx, &event) == 1) {
        if (homelab_event_type(event) == HOMELAB_EVENT_ANSWER && !code)
            code = put_piece(event);
        if (homelab_event_type(event) == HOMELAB_EVENT_ATTEMPT && asking->verbose)
            fprintf(stderr, "homelab: %s on %s\n", homelab_event_text(event),
                    homelab_event_subject(event));
        homelab_event_unref(event);
    }
    if (code)
        homelab_op_cancel(op);
    return code;
}

static int wait_for(const struct asking *asking, homelab_op *op)
{
    struct sigaction action = {.sa_handler = on_signal};
    int code = 0;
    asked = asking->ctx;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    while (!homelab_op_is_done(op)) {
        if (homelab_ctx_wait(asking->ctx, -1) < 0)
            return fail_library("request");
        if (interrupted)
            homelab_op_cancel(op);
        code = take_events(asking, op);
        if (code)
            return code;
    }
    return take_events(asking, op);
}

static void put_summary(const homelab_reply *reply)
{
    for (size_t i = 0; i < homelab_reply_attempt_count(reply); i++)
        if (*homelab_reply_attempt_message(reply, i))
            fprintf(stderr, "homelab: %s\n", homelab_reply_attempt_message(reply, i));
    fprintf(stderr, "homelab: %s on %s, ", homelab_reply_model(reply),
            homelab_reply_endpoint(reply));
    if (homelab_reply_first_byte_us(reply) >= 0)
        fprintf(stderr, "first byte after %.2f s, ",
                (double)homelab_reply_first_byte_us(reply) / 1e6);
    fprintf(stderr, "all after %.2f s", (double)homelab_reply_total_us(reply) / 1e6);
    if (homelab_reply_answer_tokens(reply) >= 0)
        fprintf(stderr, ", %lld tokens", (long long)homelab_reply_answer_tokens(reply));
    fputc('\n', stderr);
}

/* What was not streamed, such as embeddings, and the end of the line. */
static int put_rest(const homelab_reply *reply)
{
    const char *body = homelab_reply_body(reply);
    return put_document(homelab_reply_body_length(reply) ? body : "") || put_document("\n");
}

static int end(const struct asking *asking, homelab_op *op)
{
    homelab_reply *reply = NULL;
    int result = homelab_op_result(op);
    if (homelab_reply_of(&reply, op))
        return fail_library("request");
    int code = 0;
    if (asking->verbose && homelab_reply_attempt_count(reply))
        put_summary(reply);
    if (result == HOMELAB_OK) {
        code = put_rest(reply) ? CLI_ERROR : 0;
    } else {
        fail("%s", homelab_op_message(op));
        if (result == HOMELAB_E_ROUTE_REJECTED && homelab_reply_body_length(reply))
            fprintf(stderr, "%s\n", homelab_reply_body(reply));
        code = result == HOMELAB_E_ROUTE_CUT      ? ASK_CUT
               : result == HOMELAB_E_ROUTE_FAILED ? ASK_NONE
                                                  : CLI_ERROR;
    }
    homelab_reply_unref(reply);
    return code;
}

static int ask(struct asking *asking)
{
    homelab_op *op = NULL;
    int code = homelab_router_send(asking->router, asking->ctx, asking->request, asking->text,
                                   asking->length, 0, &op);
    if (code == HOMELAB_E_ROUTE_NONE) {
        fail("%s", homelab_error_message());
        return ASK_NONE;
    }
    if (code)
        return fail_library("request");
    code = wait_for(asking, op);
    if (!code)
        code = end(asking, op);
    homelab_op_unref(op);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    static const struct option longs[] = {ASKING_LONG, {NULL, 0, NULL, 0}};
    struct asking asking = {0};
    int code = asking_open(&asking);
    for (int option;
         !code && (option = getopt_long(argc, argv, ASKING_SHORT, longs, NULL)) != -1;) {
        if (option == '?' || option == 'h') {
            asking_close(&asking);
            return usage_end(self, option);
        }
        code = asking_take(&asking, option, optarg);
    }
    if (!code)
        code = asking_read(&asking, argc, argv);
    if (!code)
        code = asking_look(&asking);
    if (!code)
        code = ask(&asking);
    asking_close(&asking);
    return code;
}

const struct command command_ask = {
    .name = "ask",
    .summary = "Asks the right model, and writes its answer as it comes.",
    .usage = "[OPTION…] TEXT | --file PATH | -\n\n" ASKING_USAGE
             "  -v, --verbose          who is asked, what failed, times and tokens, on stderr\n\n"
             "Exit status: 0 answered, 1 the answer broke off, 2 no model or all failed, 3 other "
             "errors.\n",
    .run = run,
};
