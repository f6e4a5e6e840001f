/*
 * net.h - the sockets of one endpoint: listener, HTTP daemon, exchanges, raw connections.
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include <microhttpd.h>

#include "backends/backend.h"
#include "cluster.h"
#include "tls.h"

struct sim_raw;

/* An open connection that the HTTP daemon owns. */
struct sim_open {
    int fd;
    struct sim_open *next, *previous;
};

struct sim_net {
    struct sim_endpoint *endpoint;
    /* Bound for the endpoint's life and never listening, so that the port stays ours while
     * connections to it are refused. */
    int hold_fd;
    int listen_fd;
    int filler_fd; /* fills the accept queue of a listener that drops SYNs */
    enum sim_listener_mode mode;
    struct sim_watch *listen_watch;
    struct sim_timer change; /* the next scripted change */
    struct MHD_Daemon *daemon;
    struct sim_watch *daemon_watch;
    struct sim_timer daemon_again;
    struct sim_tls_pair tls;
    struct sim_exchange *exchanges;
    struct sim_raw *raws;
    struct sim_open *opens;
    bool drop_due; /* connections are to be dropped at the next refresh */
    bool stopping;
};

/* net.c */
bool sim_net_open(struct sim_endpoint *endpoint);
void sim_net_close(struct sim_endpoint *endpoint);
/* Sets the listener to what the script says now. Before an answer goes out, so that a client that
 * has read the answer to the last request before a fault meets the fault. */
void sim_net_follow(struct sim_endpoint *endpoint);
/* Takes over all that the script says now; after any change of faults. */
void sim_net_refresh(struct sim_endpoint *endpoint);

/* listener.c */
bool sim_listener_open(struct sim_net *net);
bool sim_listener_set(struct sim_net *net, enum sim_listener_mode mode);
void sim_listener_close(struct sim_net *net);

/* server_http.c */
bool sim_http_start(struct sim_net *net);
void sim_http_stop(struct sim_net *net);
/* Hands an accepted connection to the HTTP library. */
void sim_http_adopt(struct sim_net *net, int fd);
/* Something changed: every waiting exchange looks again. */
void sim_http_poke(struct sim_net *net);
void sim_http_drop_all(struct sim_net *net);
size_t sim_http_count(const struct sim_net *net);
/* Runs the daemon soon. */
void sim_http_kick(struct sim_net *net);

/* net.c: looks at the endpoint again in the next turn of the loop. */
void sim_net_refresh_soon(struct sim_endpoint *endpoint);

/* exchange.c: one request and its answer. */
struct sim_exchange {
    struct sim_net *net;
    struct MHD_Connection *connection;
    char *method, *path;
    struct sim_request request;
    struct sim_answer answer;
    struct sim_job job;
    struct sim_fault strike; /* of this attempt; own copy of its text */
    bool struck;
    /* WAITING: suspended in the HTTP library. READY: the answer, or how to break it, is known. */
    enum {
        SIM_READING,
        SIM_WAITING,
        SIM_READY,
        SIM_STREAMING,
        SIM_GONE
    } phase;
    bool suspended;
    bool handled;
    int64_t attempt;
    int64_t began_ms;
    int64_t next_piece_ms;
    size_t piece, piece_sent; /* of a stream */
    struct sim_timer timer;
    struct sim_watch *leave_watch; /* tells when the client leaves meanwhile */
    struct sim_exchange *next, *previous;
};
/* The request is complete; works towards an answer. */
void sim_exchange_begin(struct sim_exchange *exchange);
/* Goes on; the phase says how it stands. The time to ask again, or SIM_NEVER. */
int64_t sim_exchange_step(struct sim_exchange *exchange);
/* True: the answer is sent by sim_raw instead of the HTTP library, by *plan. */
struct sim_plan;
bool sim_exchange_plan(struct sim_exchange *exchange, struct sim_plan *plan);
void sim_exchange_release(struct sim_exchange *exchange);

/* server_raw.c */
enum sim_end {
    SIM_END_CLOSE,      /* FIN, then what still arrives is read and thrown away */
    SIM_END_RESET,      /* RST */
    SIM_END_HALF_CLOSE, /* FIN, and open until the client closes */
    SIM_END_HANG,       /* not a byte more */
    SIM_END_STAY,       /* open until the client closes, reading */
    SIM_END_PARK        /* nothing read; goes to the HTTP library when the fault is over */
};
/* What to send on a connection and how to end it. */
struct sim_plan {
    struct sim_buf bytes;
    size_t first;        /* sent at once */
    size_t piece;        /* then this many ... */
    int64_t interval_ms; /* ... at a time */
    enum sim_end end;
    int64_t attempt; /* of a parked connection */
};
/* Takes the descriptor and the plan over. */
void sim_raw_start(struct sim_net *net, int fd, struct sim_plan *plan);
/* Hands those parked connections on whose fault is over. */
void sim_raw_unpark(struct sim_net *net);
void sim_raw_drop_all(struct sim_net *net);
size_t sim_raw_count(const struct sim_net *net);

#endif
