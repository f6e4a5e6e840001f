/* A plain web server with the pages of the scenario. */
#include "backend.h"

#include <string.h>

#define TYPE_HTML "text/html"

static void status_page(const struct sim_call *call, int status)
{
    sim_answer_header(call->answer, "Server", "nginx");
    sim_answer_text(call->answer, status, TYPE_HTML, "<html><body><h1>");
    sim_buf_printf(&call->answer->body, "%d %s</h1></body></html>\n", status, sim_reason(status));
}

static void handle(const struct sim_call *call)
{
    const struct sim_endpoint_config *config = call->endpoint->config;
    if (call->endpoint->state.loading) {
        status_page(call, 503);
        return;
    }
    if (!sim_key_accepted(call)) {
        status_page(call, 401);
        return;
    }
    for (size_t i = 0; i < config->route_count; i++) {
        const struct sim_route *route = &config->routes[i];
        if (strcmp(route->path, call->request->path) != 0)
            continue;
        sim_answer_header(call->answer, "Server", "nginx");
        sim_answer_text(call->answer, route->status, route->content_type, route->body);
        return;
    }
    status_page(call,
                strcmp(call->request->path, "/") == 0 && config->route_count == 0 ? 200 : 404);
}

const struct sim_backend sim_backend_http = {.handle = handle, .refuse = status_page};
