-- The driver that waits, in LuaJIT, Lua 5.1 and Lua 5.4, and what the drivers of Lua hosts share:
--
--     lua driver.lua INVENTORY [KEY=VALUE...]
local homelab = require("homelab")

local driver = {}

--- The settings of a list of KEY=VALUE.
function driver.options(settings)
    local opts = assert(homelab.Opts.new())
    for _, setting in ipairs(settings) do
        assert(opts:set_text(setting:match("^([^=]+)=(.*)$")))
    end
    return opts
end

--- Prints an event; true for the last one of the script.
function driver.tell(event)
    io.stdout:write(("event %d %d %d %d %s\n"):format(event:type(), event:before(), event:after(), event:cause(),
        event:subject()))
    io.stdout:flush()
    return event:type() == homelab.EVENT_ENDPOINT and event:after() == homelab.VERDICT_DOWN
        and event:subject() == "end/marker"
end

local function run(path, settings)
    local opts = driver.options(settings)
    local ctx = assert(homelab.context(opts))
    local prober = assert(ctx:prober(assert(homelab.inventory(path, opts))))
    assert(prober:start(0))
    for event in ctx:events(-1) do
        if driver.tell(event) then
            break
        end
    end
    assert(prober:close())
    assert(ctx:close())
end

if arg and arg[1] then
    local path = table.remove(arg, 1)
    run(path, arg)
end
return driver
