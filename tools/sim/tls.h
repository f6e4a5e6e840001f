/* tls.h - certificates for the endpoints that speak TLS, made at the start, in memory. */
#ifndef SIM_TLS_H
#define SIM_TLS_H

#include "scenario.h"

struct sim_tls_pair {
    char *certificate, *key; /* PEM */
};

/* The authority that signs for tls "ca"; NULL after complaining. */
struct sim_tls_authority *sim_tls_authority_new(void);
void sim_tls_authority_free(struct sim_tls_authority *authority);
/* Writes a PEM text to a new temporary file; its path is freed by the caller; NULL after
 * complaining. */
char *sim_tls_write(const char *pem);
/* PEM, borrowed. */
const char *sim_tls_authority_pem(const struct sim_tls_authority *authority);

/* A certificate for an address, with the flaw asked for; false after complaining. */
bool sim_tls_make(struct sim_tls_authority *authority, enum sim_tls kind, const char *host,
                  struct sim_tls_pair *out);
void sim_tls_pair_free(struct sim_tls_pair *pair);

#endif
