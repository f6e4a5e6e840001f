-- What the nginx of the load test serves besides pages: the monitor's switch, its clock, and contexts made and closed.
local clock = dofile(os.getenv("HOMELAB_HOSTS") .. "/clock.lua")
local homelab = require("homelab")
local adapter = require("homelab.ngx")

local served = {}
local inventory = os.getenv("HOMELAB_INVENTORY")
local options = { health = { interval_ms = 100, fast_interval_ms = 100, down_interval_ms = 100 } }
local monitor

--- In each worker at its start.
function served.start()
    monitor = adapter.start({ inventory = inventory, options = options, interval = 0.01 })
end

function served.stop()
    if monitor then
        monitor:close()
        monitor = nil
    end
end

--- The calls into the library so far.
function served.calls()
    ngx.print(clock.report())
end

served.reset = clock.reset

--- A context with a monitor at work, closed or left to the collector.
function served.churn(count)
    for i = 1, count do
        local ctx = assert(homelab.context(options))
        local prober = assert(ctx:prober(assert(homelab.inventory(inventory))))
        assert(prober:start(0))
        assert(ctx:dispatch(0))
        if i % 2 == 0 then
            assert(ctx:close())
        end
    end
    -- One collection finalises a prober, the next frees it, and only then its context is garbage.
    for _ = 1, 4 do
        collectgarbage()
    end
end

return served
