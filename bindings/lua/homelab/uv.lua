--- libhomelab on libuv's loop: Neovim (vim.uv, vim.loop) and luv.
--
-- The loop waits for the context's one descriptor; events come to a function, on the loop's thread, as soon as they happen.
local homelab = require("homelab")

local adapter = {}

--- The libuv of the host.
local function libuv()
    local vim = rawget(_G, "vim")
    return vim and (vim.uv or vim.loop) or require("luv")
end

local Loop = {}
Loop.__index = Loop

function Loop:_event(event)
    if event:type() == homelab.EVENT_OP_DONE then
        local op = event:op()
        for i, wait in ipairs(self.waits) do
            if wait.op == op then
                table.remove(self.waits, i)
                wait.done(event:after(), event:text())
                return
            end
        end
    end
    if self.on_event then
        self.on_event(event)
    end
end

--- Dispatches and hands every waiting event on. An error of a callback leaves the rest for the next turn.
function Loop:_turn()
    local count, message = self.ctx:dispatch(0)
    if not count then
        self:close()
        error(message, 0)
    end
    local taken = 0
    local event = self.poll and self.ctx:next_event()
    while event do
        taken = taken + 1
        self:_event(event)
        event = self.poll and self.ctx:next_event()
    end
    if taken > 0 and self.poll and self.on_turn then
        self.on_turn()
    end
end

--- Starts a sweep of the prober; callback(snapshot) when it has ended, or callback(nil, message, code). It is called once.
function Loop:check(prober, callback)
    if not self.poll then
        return nil, "the loop was closed", homelab.E_CLOSED
    end
    local op, message, code = prober:check(0)
    if not op then
        return nil, message, code
    end
    local function done(result, text)
        if result == homelab.OK then
            callback(prober:snapshot())
        else
            callback(nil, text, result)
        end
    end
    self.waits[#self.waits + 1] = { op = op, done = done }
    return op
end

--- Stops waiting for the context, which stays as it is. Checks that have not ended are told so. May be called again.
function Loop:close()
    local poll, waits = self.poll, self.waits
    self.poll, self.waits = nil, {}
    if poll and not poll:is_closing() then
        poll:stop()
        poll:close()
    end
    for _, wait in ipairs(waits) do
        wait.done(homelab.E_CLOSED, "the loop was closed")
    end
end

--- Lets libuv's loop drive ctx: on_event(event) gets each event, on_turn() is called when all that waited have been taken.
-- Close what comes back before the context.
function adapter.attach(ctx, on_event, on_turn)
    local fd, message, code = ctx:fd()
    if not fd then
        return nil, message, code
    end
    local poll
    poll, message = libuv().new_poll(fd)
    if not poll then
        return nil, message, homelab.E_SYSTEM
    end
    local loop = setmetatable({ ctx = ctx, poll = poll, waits = {}, on_event = on_event, on_turn = on_turn }, Loop)
    poll:start("r", function(failure)
        if failure then
            loop:close()
            error("libuv: " .. failure, 0)
        end
        loop:_turn()
    end)
    return loop
end

local Monitor = {}
Monitor.__index = Monitor

--- The present state.
function Monitor:snapshot()
    return self.prober:snapshot()
end

--- Looks at every endpoint now; callback(snapshot) or callback(nil, message, code).
function Monitor:check(callback)
    return self.loop:check(self.prober, callback)
end

--- Ends the monitor: nothing of it runs afterwards. May be called again.
function Monitor:close()
    self.loop:close()
    self.prober:close()
    self.ctx:close()
end

--- Neovim ends without collecting garbage, so what runs is closed before.
local function close_at_exit(monitor)
    local vim = rawget(_G, "vim")
    if not (vim and vim.api and vim.api.nvim_create_autocmd) then
        return
    end
    vim.schedule(function()
        vim.api.nvim_create_autocmd("VimLeavePre", {
            callback = function()
                monitor:close()
            end,
        })
    end)
end

--- Monitors a cluster on libuv's loop until it is closed, in Neovim at the latest when that ends.
--
-- settings: inventory (a path, { text = … } or an inventory), options, on_event(event), on_change(snapshot) (after changes, and
-- after the first look at all endpoints). Callbacks run on the loop: where Neovim's functions are to be called, wrap them with
-- vim.schedule_wrap().
function adapter.monitor(settings)
    local inventory, ctx, prober, loop, done, message, code
    inventory = settings.inventory
    if type(inventory) ~= "userdata" then
        inventory, message, code = homelab.inventory(inventory, settings.options)
        if not inventory then
            return nil, message, code
        end
    end
    ctx, message, code = homelab.context(settings.options)
    if not ctx then
        return nil, message, code
    end
    prober, message, code = ctx:prober(inventory, settings.options)
    if not prober then
        return nil, message, code
    end
    local function changed()
        if settings.on_change then
            settings.on_change(assert(prober:snapshot()))
        end
    end
    loop, message, code = adapter.attach(ctx, settings.on_event, changed)
    if not loop then
        return nil, message, code
    end
    local monitor = setmetatable({ ctx = ctx, prober = prober, loop = loop }, Monitor)
    done, message, code = prober:start(0)
    if not done then
        monitor:close()
        return nil, message, code
    end
    -- Joins the looks that the start has begun; its end is the first time that every endpoint is known.
    loop:check(prober, function() end)
    close_at_exit(monitor)
    return monitor
end

return adapter
