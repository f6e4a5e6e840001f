#include "route/outcome.h"

#include "net/refusal.h"

#include <homelab/error.h>
#include <homelab/router.h>
#include <string.h>

#define AGAIN_LEAST_MS 500
#define AGAIN_MOST_MS  4000
#define RETRY_MOST_S   86400

int hl_outcome_of_code(int code)
{
    switch (code) {
    case HOMELAB_E_NET_DNS:
    case HOMELAB_E_NET_REFUSED:
    case HOMELAB_E_NET_NO_ROUTE:
    case HOMELAB_E_NET_CONNECT_TIMEOUT:
    case HOMELAB_E_NET_CERTIFICATE:
    case HOMELAB_E_NET_TLS:
        return HOMELAB_OUTCOME_UNREACHABLE;
    case HOMELAB_E_NET_TIMEOUT:
        return HOMELAB_OUTCOME_TIMEOUT;
    case HOMELAB_E_NOMEM:
    case HOMELAB_E_TIMEOUT:
        return HOMELAB_OUTCOME_CANCELLED;
    default:
        return HOMELAB_OUTCOME_SERVER_ERROR;
    }
}

int hl_outcome_of_status(int status)
{
    switch (status) {
    case 401:
    case 403:
        return HOMELAB_OUTCOME_AUTH;
    case 404:
        return HOMELAB_OUTCOME_MODEL;
    case 408:
    case 425:
    case 429:
    case 503:
        return HOMELAB_OUTCOME_BUSY;
    default:
        /* It sends elsewhere, often to log in: what was asked for is not there. */
        if (status < 400)
            return HOMELAB_OUTCOME_MODEL;
        return status >= 500 ? HOMELAB_OUTCOME_SERVER_ERROR : HOMELAB_OUTCOME_REJECTED;
    }
}

bool hl_says_too_long(const char *body)
{
    return strstr(body, "exceed_context_size") || strstr(body, "context_length_exceeded");
}

int64_t hl_again_ms(const struct hl_http_result *result, int64_t waited_ms)
{
    int64_t after_s = result->retry_after_s;
    if (hl_outcome_of_status(result->status) != HOMELAB_OUTCOME_BUSY)
        return -1;
    if (after_s > 0)
        return 1000 * (after_s < RETRY_MOST_S ? after_s : RETRY_MOST_S);
    if (after_s < 0 && !hl_says_loading(result))
        return -1;
    int64_t next_ms = waited_ms / 4;
    if (next_ms < AGAIN_LEAST_MS)
        return AGAIN_LEAST_MS;
    return next_ms < AGAIN_MOST_MS ? next_ms : AGAIN_MOST_MS;
}
