#include "tls.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    DAY = 86400
};

struct sim_tls_authority {
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
    char *pem;
    unsigned char serial;
};

static bool complain(int code)
{
    sim_complain("cannot make a certificate: %s", gnutls_strerror(code));
    return false;
}

static char *to_text(gnutls_datum_t *datum)
{
    char *text = sim_strndup((const char *)datum->data, datum->size);
    gnutls_free(datum->data);
    return text;
}

/* Elliptic curves: quick to make. */
static int make_key(gnutls_x509_privkey_t *key)
{
    int code = gnutls_x509_privkey_init(key);
    if (code < 0)
        return code;
    return gnutls_x509_privkey_generate(*key, GNUTLS_PK_ECDSA,
                                        GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
}

static int describe(gnutls_x509_crt_t certificate, const char *name, gnutls_x509_privkey_t key,
                    unsigned char serial, time_t from, time_t until)
{
    int code = gnutls_x509_crt_set_version(certificate, 3);
    if (code >= 0)
        code = gnutls_x509_crt_set_serial(certificate, &serial, 1);
    if (code >= 0)
        code = gnutls_x509_crt_set_activation_time(certificate, from);
    if (code >= 0)
        code = gnutls_x509_crt_set_expiration_time(certificate, until);
    if (code >= 0)
        code = gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                             (unsigned)strlen(name));
    if (code >= 0)
        code = gnutls_x509_crt_set_key(certificate, key);
    return code;
}

static int finish_authority(struct sim_tls_authority *authority)
{
    gnutls_datum_t pem;
    time_t now = time(NULL);
    int code = describe(authority->certificate, "homelab-sim test authority", authority->key, 1,
                        now - DAY, now + 30 * DAY);
    if (code >= 0)
        code = gnutls_x509_crt_set_basic_constraints(authority->certificate, 1, -1);
    if (code >= 0)
        code = gnutls_x509_crt_set_key_usage(authority->certificate, GNUTLS_KEY_KEY_CERT_SIGN);
    if (code >= 0)
        code = gnutls_x509_crt_sign2(authority->certificate, authority->certificate, authority->key,
                                     GNUTLS_DIG_SHA256, 0);
    if (code >= 0)
        code = gnutls_x509_crt_export2(authority->certificate, GNUTLS_X509_FMT_PEM, &pem);
    if (code >= 0)
        authority->pem = to_text(&pem);
    authority->serial = 1;
    return code;
}

struct sim_tls_authority *sim_tls_authority_new(void)
{
    struct sim_tls_authority *authority = sim_calloc(1, sizeof *authority);
    int code = make_key(&authority->key);
    if (code >= 0)
        code = gnutls_x509_crt_init(&authority->certificate);
    if (code >= 0)
        code = finish_authority(authority);
    if (code >= 0)
        return authority;
    complain(code);
    sim_tls_authority_free(authority);
    return NULL;
}

void sim_tls_authority_free(struct sim_tls_authority *authority)
{
    if (authority == NULL)
        return;
    gnutls_x509_crt_deinit(authority->certificate);
    gnutls_x509_privkey_deinit(authority->key);
    free(authority->pem);
    free(authority);
}

const char *sim_tls_authority_pem(const struct sim_tls_authority *authority)
{
    return authority->pem;
}

char *sim_tls_write(const char *pem)
{
    const char *folder = getenv("TMPDIR");
    char *path = sim_printf("%s/homelab-sim-ca-XXXXXX", folder != NULL ? folder : "/tmp");
    int fd = mkstemp(path);
    size_t length = strlen(pem);
    bool good = fd >= 0 && write(fd, pem, length) == (ssize_t)length;
    sim_close(&fd);
    if (good)
        return path;
    sim_complain("cannot write the test authority to %s", path);
    free(path);
    return NULL;
}

static int set_address(gnutls_x509_crt_t certificate, enum sim_tls kind, const char *host)
{
    unsigned char bytes[16];
    if (kind == SIM_TLS_WRONG_HOST)
        return gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME,
                                                    "elsewhere.invalid", 17, GNUTLS_FSAN_SET);
    bool v6 = strchr(host, ':') != NULL;
    inet_pton(v6 ? AF_INET6 : AF_INET, host, bytes);
    return gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, bytes,
                                                v6 ? 16 : 4, GNUTLS_FSAN_SET);
}

static int fill(struct sim_tls_authority *authority, enum sim_tls kind, const char *host,
                gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key)
{
    time_t now = time(NULL);
    bool expired = kind == SIM_TLS_EXPIRED;
    bool own = kind == SIM_TLS_SELF_SIGNED;
    int code = describe(certificate, own ? "homelab-sim self-signed" : "homelab-sim", key,
                        ++authority->serial, now - 20 * DAY, expired ? now - DAY : now + 20 * DAY);
    if (code >= 0)
        code = set_address(certificate, kind, host);
    if (code < 0)
        return code;
    return gnutls_x509_crt_sign2(certificate, own ? certificate : authority->certificate,
                                 own ? key : authority->key, GNUTLS_DIG_SHA256, 0);
}

static int export_pair(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key,
                       struct sim_tls_pair *out)
{
    gnutls_datum_t pem;
    int code = gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pem);
    if (code < 0)
        return code;
    out->certificate = to_text(&pem);
    code = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem);
    if (code >= 0)
        out->key = to_text(&pem);
    return code;
}

bool sim_tls_make(struct sim_tls_authority *authority, enum sim_tls kind, const char *host,
                  struct sim_tls_pair *out)
{
    gnutls_x509_privkey_t key = NULL;
    gnutls_x509_crt_t certificate = NULL;
    int code = make_key(&key);
    if (code >= 0)
        code = gnutls_x509_crt_init(&certificate);
    if (code >= 0)
        code = fill(authority, kind, host, certificate, key);
    if (code >= 0)
        code = export_pair(certificate, key, out);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
    return code >= 0 || complain(code);
}

void sim_tls_pair_free(struct sim_tls_pair *pair)
{
    free(pair->certificate);
    free(pair->key);
    *pair = (struct sim_tls_pair){0};
}
