/* The loop's descriptors. */
#include "core/alloc.h"
#include "core/error.h"
#include "core/loop_private.h"

#include <errno.h>
#include <unistd.h>

int hl_epoll_watch(int epoll_fd, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data.u64 = data};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
        return 0;
    return errno == EEXIST ? epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event) : -1;
}

struct hl_slot *hl_loop_find(struct hl_loop *loop, struct hl_source source)
{
    if (source.slot >= loop->slot_count)
        return NULL;
    struct hl_slot *slot = &loop->slots[source.slot];
    return slot->used && slot->generation == source.generation ? slot : NULL;
}

static int reserve_slot(struct hl_loop *loop)
{
    if (loop->free_slot != HL_NO_SLOT)
        return HOMELAB_OK;
    if (hl_grow((void **)&loop->slots, &loop->slot_capacity, loop->slot_count, sizeof *loop->slots))
        return hl_error_nomem();
    loop->slots[loop->slot_count] =
        (struct hl_slot){.fd = -1, .generation = 1, .next_free = HL_NO_SLOT};
    loop->free_slot = (uint32_t)loop->slot_count++;
    return HOMELAB_OK;
}

static int reserve_fd(struct hl_loop *loop, size_t fd)
{
    if (fd < loop->by_fd_count)
        return HOMELAB_OK;
    size_t count = (fd | 63) + 1;
    if (count < 2 * loop->by_fd_count)
        count = 2 * loop->by_fd_count;
    uint32_t *by_fd = hl_reallocarray(loop->by_fd, count, sizeof *by_fd);
    if (!by_fd)
        return hl_error_nomem();
    for (size_t i = loop->by_fd_count; i < count; i++)
        by_fd[i] = HL_NO_SLOT;
    loop->by_fd = by_fd;
    loop->by_fd_count = count;
    return HOMELAB_OK;
}

static void release_slot(struct hl_loop *loop, uint32_t index)
{
    struct hl_slot *slot = &loop->slots[index];
    slot->used = false;
    slot->fd = -1;
    slot->generation++;
    slot->next_free = loop->free_slot;
    loop->free_slot = index;
}

int hl_loop_add(struct hl_loop *loop, struct hl_source *out, int fd, uint32_t events,
                hl_source_fn fn, void *userdata)
{
    if (fd < 0)
        return hl_error_argument("descriptor", "0 or more");
    if (reserve_slot(loop) || reserve_fd(loop, (size_t)fd))
        return HOMELAB_E_NOMEM;
    uint32_t index = loop->free_slot;
    struct hl_slot *slot = &loop->slots[index];
    if (hl_epoll_watch(loop->epoll_fd, fd, events, hl_source_pack(index, slot->generation)) != 0)
        return hl_error_system("loop", "epoll_ctl", errno);
    /* Another source had this number: its descriptor was closed without a word. */
    if (loop->by_fd[fd] != HL_NO_SLOT) {
        loop->slots[loop->by_fd[fd]].fd = -1;
        loop->suspicious = true;
    }
    loop->free_slot = slot->next_free;
    loop->by_fd[fd] = index;
    *slot = (struct hl_slot){.fd = fd,
                             .generation = slot->generation,
                             .events = events,
                             .used = true,
                             .fn = fn,
                             .userdata = userdata};
    *out = (struct hl_source){index, slot->generation};
    return HOMELAB_OK;
}

int hl_loop_modify(struct hl_loop *loop, struct hl_source source, uint32_t events)
{
    struct hl_slot *slot = hl_loop_find(loop, source);
    if (!slot || slot->fd < 0)
        return hl_error_set(HOMELAB_E_STATE, 0, "loop", "loop: source was removed");
    /* One-shot events are asked for anew each time. */
    if (slot->events == events && !(events & EPOLLONESHOT))
        return HOMELAB_OK;
    struct epoll_event event = {.events = events,
                                .data.u64 = hl_source_pack(source.slot, source.generation)};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, slot->fd, &event) != 0)
        return hl_error_system("loop", "epoll_ctl", errno);
    slot->events = events;
    return HOMELAB_OK;
}

void hl_loop_remove(struct hl_loop *loop, struct hl_source source)
{
    struct hl_slot *slot = hl_loop_find(loop, source);
    if (!slot)
        return;
    if (slot->fd >= 0) {
        loop->by_fd[slot->fd] = HL_NO_SLOT;
        if (loop->epoll_fd >= 0 && epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, slot->fd, NULL) != 0)
            loop->suspicious = true;
    }
    release_slot(loop, source.slot);
}

/* A descriptor that was closed before its source was removed stays in the epoll set where another
 * process holds it too (a fork), keeps reporting, and cannot be taken out: a new set is the only
 * cure. Where that fails the old one goes on. */
void hl_loop_rebuild(struct hl_loop *loop)
{
    loop->rebuild = false;
    int fresh = epoll_create1(EPOLL_CLOEXEC);
    if (fresh < 0)
        return;
    int failed = hl_loop_watch_own(loop, fresh);
    for (size_t i = 0; i < loop->slot_count && !failed; i++) {
        const struct hl_slot *slot = &loop->slots[i];
        if (slot->used && slot->fd >= 0)
            failed = hl_epoll_watch(fresh, slot->fd, slot->events,
                                    hl_source_pack((uint32_t)i, slot->generation)) &&
                     errno != EBADF;
    }
    if (!failed && loop->outer_fd >= 0)
        failed = hl_epoll_watch(loop->outer_fd, fresh, EPOLLIN, 0);
    if (failed) {
        close(fresh);
        return;
    }
    if (loop->outer_fd >= 0)
        epoll_ctl(loop->outer_fd, EPOLL_CTL_DEL, loop->epoll_fd, NULL);
    close(loop->epoll_fd);
    loop->epoll_fd = fresh;
    loop->suspicious = false;
}
