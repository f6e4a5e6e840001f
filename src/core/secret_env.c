/* The built-in provider of the scheme `env`: an ordinary user of the hook. */
#include "core/ctx_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int hl_secret_env(homelab_secret_request *request, void *userdata)
{
    (void)userdata;
    const char *reference = homelab_secret_request_reference(request);
    if (strncmp(reference, "env:", 4) != 0)
        return HOMELAB_SECRET_PASS;
    const char *value = secure_getenv(reference + 4);
    char reason[128];
    if (value && *value)
        return homelab_secret_request_answer(request, value);
    snprintf(reason, sizeof reason, "environment variable %.64s is %s", reference + 4,
             value ? "empty" : "not set");
    return homelab_secret_request_refuse(request, reason);
}
