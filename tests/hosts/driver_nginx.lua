-- nginx: a timer of worker 0 dispatches, without ever waiting. It goes on until the server is told to quit.
local homelab = require("homelab")
local driver = dofile(os.getenv("HOMELAB_HOSTS") .. "/driver.lua")

local settings, ended = {}, false
for setting in os.getenv("HOMELAB_OPTIONS"):gmatch("%S+") do
    settings[#settings + 1] = setting
end
require("homelab.ngx").start({
    inventory = os.getenv("HOMELAB_INVENTORY"),
    options = driver.options(settings),
    interval = 0.01,
    on_event = function(event)
        if not ended and event:type() ~= homelab.EVENT_OP_DONE then
            ended = driver.tell(event)
        end
    end,
})
