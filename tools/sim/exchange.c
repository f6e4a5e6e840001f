/* One request: what the script does to it, what the backend answers, and when. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"

static struct sim_call make_call(struct sim_exchange *exchange)
{
    struct sim_endpoint *endpoint = exchange->net->endpoint;
    return (struct sim_call){
        .endpoint = endpoint,
        .request = &exchange->request,
        .answer = &exchange->answer,
        .job = &exchange->job,
        .now_ms = sim_now(endpoint->sim),
    };
}

static bool is_generation(const struct sim_request *request)
{
    return strcmp(request->method, "POST") == 0 && strcmp(request->path, "/api/show") != 0;
}

/* Faults that spare some requests by their nature. */
static bool spared(const struct sim_exchange *exchange, const struct sim_fault *fault)
{
    if (fault->kind == SIM_FAULT_QUEUE_FULL && fault->path_count == 0)
        return !is_generation(&exchange->request);
    if (fault->kind == SIM_FAULT_REDIRECT)
        return fault->text == NULL ? strcmp(exchange->path, "/elsewhere") == 0
                                   : sim_ends_with(fault->text, exchange->path);
    return false;
}

static void find_strike(struct sim_exchange *exchange)
{
    const struct sim_endpoint *endpoint = exchange->net->endpoint;
    const struct sim_fault *fault = sim_faults_strike(&endpoint->faults, sim_now(endpoint->sim),
                                                      exchange->attempt, exchange->path);
    free(exchange->strike.text);
    exchange->strike = (struct sim_fault){0};
    exchange->struck = fault != NULL && !spared(exchange, fault);
    if (!exchange->struck)
        return;
    exchange->strike = *fault;
    exchange->strike.text = fault->text != NULL ? sim_strdup(fault->text) : NULL;
}

static bool is_wire(const struct sim_exchange *exchange)
{
    return exchange->struck && sim_fault_class(exchange->strike.kind) == SIM_CLASS_WIRE;
}

static bool breaks_before_answer(const struct sim_exchange *exchange)
{
    return is_wire(exchange) && exchange->strike.stage <= SIM_STAGE_REQUEST;
}

static bool hangs(struct sim_exchange *exchange)
{
    bool silent = exchange->struck && exchange->strike.kind == SIM_FAULT_HANG &&
                  exchange->strike.stage <= SIM_STAGE_REQUEST;
    if (silent) {
        /* It may be over by now. */
        find_strike(exchange);
        silent = exchange->struck && exchange->strike.kind == SIM_FAULT_HANG &&
                 exchange->strike.stage <= SIM_STAGE_REQUEST;
    }
    return silent || exchange->net->endpoint->state.listener == SIM_DROP;
}

static void fill_status(const struct sim_call *call, const struct sim_fault *fault)
{
    char text[32];
    if (fault->text != NULL)
        sim_answer_text(call->answer, fault->status, "text/plain", fault->text);
    else
        sim_backend_of(call->endpoint->config->backend)->refuse(call, fault->status);
    if (fault->retry_after < 0)
        return;
    snprintf(text, sizeof text, "%g", fault->retry_after);
    sim_answer_header(call->answer, "Retry-After", text);
}

static void fill_redirect(const struct sim_call *call, const struct sim_fault *fault)
{
    const char *target = fault->text != NULL ? fault->text : "/elsewhere";
    if (fault->kind == SIM_FAULT_REDIRECT_LOOP)
        target = call->request->path;
    sim_answer_header(call->answer, "Location", target);
    sim_answer_text(call->answer, fault->status, "text/html", "<a href=\"");
    sim_buf_printf(&call->answer->body, "%s\">Moved</a>\n", target);
}

static void fill_large(const struct sim_call *call, const struct sim_fault *fault)
{
    bool endless = fault->kind == SIM_FAULT_ENDLESS_BODY;
    sim_answer_text(call->answer, 200, "application/json", "{\"models\":[{\"name\":\"");
    call->answer->kind = endless ? SIM_BODY_ENDLESS : SIM_BODY_FILLER;
    call->answer->length = fault->bytes;
}

/* True when the script gives the whole answer. */
static bool fill_from_fault(const struct sim_call *call, const struct sim_fault *fault)
{
    bool ollama = call->endpoint->config->backend == SIM_OLLAMA;
    switch (fault->kind) {
    case SIM_FAULT_STATUS:
        fill_status(call, fault);
        return true;
    case SIM_FAULT_QUEUE_FULL:
        sim_backend_of(call->endpoint->config->backend)->refuse(call, ollama ? 503 : 429);
        return true;
    case SIM_FAULT_WRONG_BODY:
        sim_answer_text(call->answer, fault->status, "text/html",
                        fault->text != NULL ? fault->text : "hello");
        return true;
    case SIM_FAULT_HUGE_BODY:
    case SIM_FAULT_ENDLESS_BODY:
        fill_large(call, fault);
        return true;
    case SIM_FAULT_REDIRECT:
    case SIM_FAULT_REDIRECT_LOOP:
        fill_redirect(call, fault);
        return true;
    default:
        return false;
    }
}

/* The length stays true to what is sent: only the JSON is broken. */
static void break_json(struct sim_answer *answer)
{
    size_t keep = answer->body.length * 2 / 3;
    if (answer->kind != SIM_BODY_WHOLE || answer->body.data == NULL)
        return;
    answer->body.length = keep;
    answer->body.data[keep] = '\0';
}

static void handle(struct sim_exchange *exchange)
{
    struct sim_call call = make_call(exchange);
    exchange->handled = true;
    if (breaks_before_answer(exchange))
        return;
    if (exchange->struck && fill_from_fault(&call, &exchange->strike))
        return;
    sim_backend_of(call.endpoint->config->backend)->handle(&call);
}

void sim_exchange_begin(struct sim_exchange *exchange)
{
    struct sim_endpoint *endpoint = exchange->net->endpoint;
    struct sim_request *request = &exchange->request;
    exchange->began_ms = sim_now(endpoint->sim);
    sim_endpoint_update(endpoint, exchange->began_ms);
    exchange->attempt = endpoint->attempts++;
    sim_endpoint_count(endpoint, exchange->method, exchange->path);
    if (request->body.length > 0)
        request->json = cJSON_ParseWithLength(request->body.data, request->body.length);
    find_strike(exchange);
    if (exchange->struck)
        endpoint->stats.faulted++;
}

int64_t sim_exchange_step(struct sim_exchange *exchange)
{
    struct sim_endpoint *endpoint = exchange->net->endpoint;
    int64_t now_ms = sim_now(endpoint->sim);
    int64_t ready_ms = exchange->began_ms + exchange->strike.interval_ms;
    if (hangs(exchange))
        return SIM_NEVER;
    if (exchange->struck && exchange->strike.kind == SIM_FAULT_LATENCY && now_ms < ready_ms)
        return ready_ms;
    if (!exchange->handled)
        handle(exchange);
    if (exchange->job.kind != SIM_JOB_NONE) {
        int64_t again_ms = sim_job_step(endpoint, &exchange->job, now_ms);
        if (again_ms > 0)
            return again_ms;
        struct sim_call call = make_call(exchange);
        sim_backend_of(endpoint->config->backend)->complete(&call);
        sim_net_refresh_soon(endpoint);
    }
    if (exchange->struck && exchange->strike.kind == SIM_FAULT_BAD_JSON)
        break_json(&exchange->answer);
    exchange->phase = SIM_READY;
    return SIM_NEVER;
}

static void cut(struct sim_plan *plan, size_t length)
{
    plan->first = length;
    plan->bytes.length = length;
}

static void plan_bytes(struct sim_exchange *exchange, struct sim_plan *plan)
{
    const struct sim_fault *strike = &exchange->strike;
    size_t header = 0;
    bool head_only = strcmp(exchange->method, "HEAD") == 0;
    bool slow = strike->kind == SIM_FAULT_SLOW_HEADER || strike->kind == SIM_FAULT_SLOW_BODY;
    if (slow)
        sim_answer_header(&exchange->answer, "Connection", "close");
    sim_answer_serialise(&exchange->answer, head_only, &plan->bytes, &header);
    plan->first = strike->kind == SIM_FAULT_SLOW_BODY ? header : 0;
    plan->piece = (size_t)strike->bytes;
    plan->interval_ms = strike->interval_ms;
    if (!slow && strike->stage == SIM_STAGE_HEADER)
        cut(plan, header / 2);
    else if (!slow)
        cut(plan, header + (plan->bytes.length - header) / 2);
}

bool sim_exchange_plan(struct sim_exchange *exchange, struct sim_plan *plan)
{
    *plan = (struct sim_plan){.end = SIM_END_CLOSE, .piece = 1};
    if (!is_wire(exchange))
        return false;
    switch (exchange->strike.kind) {
    case SIM_FAULT_GARBAGE:
        sim_buf_puts(&plan->bytes, exchange->strike.text != NULL ? exchange->strike.text
                                                                 : "SSH-2.0-OpenSSH_9.2p1\r\n");
        plan->first = plan->bytes.length;
        return true;
    case SIM_FAULT_RESET:
        plan->end = SIM_END_RESET;
        break;
    case SIM_FAULT_HALF_CLOSE:
        plan->end = SIM_END_HALF_CLOSE;
        break;
    case SIM_FAULT_HANG:
        plan->end = SIM_END_HANG;
        break;
    default:
        break;
    }
    if (!breaks_before_answer(exchange))
        plan_bytes(exchange, plan);
    return true;
}

void sim_exchange_release(struct sim_exchange *exchange)
{
    sim_request_free(&exchange->request);
    sim_answer_free(&exchange->answer);
    free(exchange->strike.text);
    free(exchange->method);
    free(exchange->path);
    free(exchange);
}
