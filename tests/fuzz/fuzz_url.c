/* A URL that is accepted has the parts it promises, and put together again it means the same. */
#include "fuzz/fuzz.h"
#include "net/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(const struct hl_url *url)
{
    FUZZ_EXPECT(url->scheme[0]);
    if (strcmp(url->scheme, "unix") == 0)
        return;
    FUZZ_EXPECT(url->host[0]);
    FUZZ_EXPECT(url->port >= 1 && url->port <= 65535);
    FUZZ_EXPECT(strncmp(url->base, url->scheme, strlen(url->scheme)) == 0);
    FUZZ_EXPECT(url->path[0] == '/' || url->path[0] == '\0');
    char whole[sizeof url->base + sizeof url->path];
    (void)snprintf(whole, sizeof whole, "%s%s", url->base, url->path);
    struct hl_url again;
    if (hl_url_parse(&again, whole) != HOMELAB_OK)
        return;
    FUZZ_EXPECT(strcmp(again.host, url->host) == 0);
    FUZZ_EXPECT(strcmp(again.base, url->base) == 0);
    FUZZ_EXPECT(again.port == url->port);
    FUZZ_EXPECT(!again.credentials);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    struct hl_url url;
    int code = hl_url_parse(&url, text);
    FUZZ_EXPECT(code <= 0);
    if (code == HOMELAB_OK)
        check(&url);
    free(text);
    return 0;
}
