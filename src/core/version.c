#include <homelab/version.h>

const char *homelab_version(void)
{
    return HOMELAB_VERSION;
}

int homelab_version_number(void)
{
    return HOMELAB_VERSION_NUMBER;
}
