-- Neovim: libuv's loop waits for the context's descriptor (vim.loop.new_poll()). It ends with the monitor alive.
local driver = dofile(vim.env.HOMELAB_HOSTS .. "/driver.lua")

local ended = false
assert(require("homelab.uv").monitor({
    inventory = vim.env.HOMELAB_INVENTORY,
    options = driver.options(vim.split(vim.env.HOMELAB_OPTIONS, " ")),
    on_event = function(event)
        -- What came from the check that the adapter makes first is no event of the script.
        if not ended and driver.tell(event) then
            ended = true
            vim.schedule(function()
                vim.cmd("qall!")
            end)
        end
    end,
}))
