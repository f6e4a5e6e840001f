#include "core/ctx_private.h"

struct hl_hook *hl_hook_ref(struct hl_hook *hook)
{
    if (hook)
        atomic_fetch_add(&hook->refs, 1);
    return hook;
}

void hl_hook_unref(struct hl_hook *hook)
{
    if (!hook || atomic_fetch_sub(&hook->refs, 1) != 1)
        return;
    if (hook->destroy)
        hook->destroy(hook->userdata);
    hl_free(hook);
}

static void give_up(const struct hl_hook *hook)
{
    struct hl_error error;
    hl_error_save(&error);
    if (hook->destroy)
        hook->destroy(hook->userdata);
    hl_error_restore(&error);
}

int hl_hook_set(homelab_ctx *ctx, struct hl_hook **place, const struct hl_hook *hook, bool present)
{
    struct hl_hook *fresh = NULL;
    int code = hl_ctx_enter(ctx);
    if (code) {
        give_up(hook);
        return code;
    }
    if (present && !(fresh = hl_calloc(1, sizeof *fresh))) {
        hl_ctx_leave(ctx);
        hl_error_nomem();
        give_up(hook);
        return HOMELAB_E_NOMEM;
    }
    if (fresh) {
        fresh->fn = hook->fn;
        fresh->userdata = hook->userdata;
        fresh->destroy = hook->destroy;
        atomic_init(&fresh->refs, 1);
    }
    struct hl_hook *before = *place;
    *place = fresh;
    hl_ctx_leave(ctx);
    hl_hook_unref(before);
    if (!present)
        give_up(hook);
    return HOMELAB_OK;
}
