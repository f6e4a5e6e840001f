-- The Lua module loads and returns the version; an object is made and collected.
local homelab = require("homelab")

assert(homelab.version() == os.getenv("HOMELAB_VERSION"), homelab.version())
assert(homelab.version() == homelab.VERSION)
assert(homelab.version_number() == homelab.VERSION_NUMBER)

local opts = assert(homelab.Opts.new())
local none, message, code = opts:set_int("no.such.option", 1)
assert(none == nil and code == homelab.E_OPTION_UNKNOWN and message:find("no.such.option", 1, true))
opts = nil
collectgarbage()
