-- A million calls leave nothing behind: neither in Lua nor in C.
local check = require("check")
local homelab = require("homelab")

local inventory = assert(homelab.inventory(check.inventory))
local snapshot = assert(homelab.assume(inventory))
local ctx = assert(homelab.context())
local prober = assert(ctx:prober(inventory))
local opts = assert(homelab.options())
local json = assert(snapshot:json())

local function log() end

-- Twenty calls of every kind: accessors, texts, failures, objects, callbacks, dispatches.
local function round(n)
    snapshot:text()
    snapshot:endpoint_id(0)
    snapshot:endpoint_find("remote/llama")
    snapshot:endpoint_find("none")
    snapshot:endpoint_uptime(0)
    snapshot:generation()
    inventory:endpoint_url(1)
    opts:set_int("log.ring", 5)
    opts:set_text("log.rung", "5")
    opts:get_string("http.proxy")
    opts:set_string("http.proxy", "\255")
    homelab.verdict_name(1)
    ctx:dispatch()
    ctx:next_event()
    ctx:fd()
    prober:snapshot()
    ctx:set_log(homelab.LOG_INFO, log)
    pcall(snapshot.endpoint_id, snapshot, "0")
    inventory:tier_name(0)
    if n % 50 == 0 then
        homelab.snapshot(json):release()
    else
        snapshot:verdict()
    end
end

local function run(rounds)
    for n = 1, rounds do
        round(n)
    end
    check.collect()
    return collectgarbage("count"), check.memory()
end

-- A leak grows with every part; what a heap keeps for itself does not.
local PARTS = 4
run(5000)
local script_least, process_least = math.huge, math.huge
local script_before, process_before = run(1000)
for _ = 1, PARTS do
    local script, process = run(1000000 / 20 / PARTS)
    script_least = math.min(script_least, script - script_before)
    process_least = math.min(process_least, process - process_before)
    script_before, process_before = script, process
end
assert(script_least < 16, ("Lua holds %.0f KiB more"):format(script_least))
assert(process_least < 256, ("the process holds %.0f KiB more"):format(process_least))
