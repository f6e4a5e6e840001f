-- Tells every change of a cluster until it is interrupted. LuaJIT, Lua 5.1 to 5.4:
--
--     lua watch.lua inventory.yaml
local homelab = require("homelab")

local path = assert(arg[1], "usage: watch.lua INVENTORY")
local inventory = assert(homelab.inventory(path))
local ctx = assert(homelab.context({ health = { interval_ms = 5000 } }))
local prober = assert(ctx:prober(inventory))
assert(prober:start())
for event in ctx:events(-1) do
    print(os.date("%H:%M:%S", math.floor(event:time_us() / 1e6)), event)
    io.stdout:flush()
end
