/* Any other server with OpenAI's API and nothing else to tell it by. */
#include "backend.h"

static const struct sim_openai_style style = {"organization", "application/json", "fp_sim"};

static void refuse(const struct sim_call *call, int status)
{
    sim_openai_error(call, status, status == 401 ? "invalid_request_error" : "server_error",
                     sim_reason(status), NULL);
}

static void models(const struct sim_call *call)
{
    sim_answer_json(call->answer, 200, sim_openai_list(call, style.owned_by), NULL);
}

static void handle(const struct sim_call *call)
{
    static const struct sim_path paths[] = {{"GET", "/v1/models", models}, {NULL, NULL, NULL}};
    if (call->endpoint->state.loading) {
        sim_openai_error(call, 503, "unavailable_error", "Loading model", NULL);
        return;
    }
    if (!sim_key_accepted(call)) {
        sim_openai_error(call, 401, "invalid_request_error", "Incorrect API key provided.", NULL);
        return;
    }
    enum sim_openai_result result = sim_openai_start(call);
    if (result == SIM_OPENAI_NO_MODEL)
        sim_openai_error(call, 404, "invalid_request_error", "The model does not exist.", NULL);
    else if (result == SIM_OPENAI_BAD_REQUEST)
        sim_openai_error(call, 400, "invalid_request_error", "invalid request", NULL);
    else if (result == SIM_OPENAI_OTHER && sim_dispatch(call, paths) != SIM_DISPATCHED)
        sim_openai_error(call, 404, "invalid_request_error", "Not Found", NULL);
}

static void complete(const struct sim_call *call)
{
    sim_openai_complete(call, &style);
}

const struct sim_backend sim_backend_openai = {
    .handle = handle, .complete = complete, .refuse = refuse};
