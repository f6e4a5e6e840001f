-- The Lua module loads and returns the version; an object is made and collected.
local homelab = require("homelab")

assert(homelab.homelab_version() == os.getenv("HOMELAB_VERSION"), homelab.homelab_version())
assert(homelab.homelab_version() == homelab.HOMELAB_VERSION)
assert(homelab.homelab_version_number() == homelab.HOMELAB_VERSION_NUMBER)

local code, opts = homelab.homelab_opts_new()
assert(code == homelab.HOMELAB_OK)
assert(homelab.homelab_opts_set_int(opts, "no.such.option", 1) == homelab.HOMELAB_E_OPTION_UNKNOWN)
assert(homelab.homelab_error_message():find("no.such.option", 1, true))
opts = nil
collectgarbage()
