"""The Python module loads and returns the version; an object is made and collected."""

import gc
import os

import homelab

assert homelab.homelab_version() == os.environ["HOMELAB_VERSION"], homelab.homelab_version()
assert homelab.homelab_version() == homelab.HOMELAB_VERSION
assert homelab.homelab_version_number() == homelab.HOMELAB_VERSION_NUMBER

code, opts = homelab.homelab_opts_new()
assert code == homelab.HOMELAB_OK
assert homelab.homelab_opts_set_int(opts, "no.such.option", 1) == homelab.HOMELAB_E_OPTION_UNKNOWN
assert "no.such.option" in homelab.homelab_error_message()
del opts
gc.collect()
