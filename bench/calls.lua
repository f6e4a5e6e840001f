-- The calls of calls.c from Lua:
--
--     lua calls.lua INVENTORY ROUNDS
local homelab = require("homelab")

local CALLS = 100000

-- The least of all rounds, in nanoseconds per call.
local function least_ns(rounds, round)
    local least = math.huge
    for _ = 1, rounds do
        local start = os.clock()
        round()
        least = math.min(least, (os.clock() - start) / CALLS * 1e9)
    end
    return least
end

local rounds = tonumber(arg[2])
local ctx = assert(homelab.context())
local prober = assert(ctx:prober(assert(homelab.inventory(arg[1]))))
local snapshot = assert(prober:snapshot())

local loop = least_ns(rounds, function()
    for _ = 1, CALLS do
    end
end)
local verdict = least_ns(rounds, function()
    for _ = 1, CALLS do
        snapshot:verdict()
    end
end)
local endpoint_id = least_ns(rounds, function()
    for _ = 1, CALLS do
        snapshot:endpoint_id(0)
    end
end)
local dispatch = least_ns(rounds, function()
    for _ = 1, CALLS do
        ctx:dispatch(0)
    end
end)
print(("%s verdict=%.1f endpoint_id=%.1f dispatch=%.1f"):format(jit and "LuaJIT" or (_VERSION:gsub(" ", "-")), verdict - loop,
    endpoint_id - loop, dispatch - loop))
