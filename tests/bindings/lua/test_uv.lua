-- homelab.uv: libuv's loop drives contexts, in Neovim and with luv.
local vim = rawget(_G, "vim")
local uv = vim and (vim.uv or vim.loop)
if not uv then
    local found
    found, uv = pcall(require, "luv")
    if not found then
        print("skipped: luv is not installed")
        os.exit(77)
    end
end

local check = require("check")
local homelab = require("homelab")
local adapter = require("homelab.uv")

-- Runs the loop until the condition holds.
local function eventually(what, condition)
    local deadline = uv.now() + 20000
    while not condition() do
        assert(uv.now() < deadline, what)
        uv.run("once")
    end
end

if vim then
    eventually = function(what, condition)
        assert(vim.wait(20000, condition, 5), what)
    end
end

local function test_monitor()
    local events, changes, checked = {}, {}, nil
    local monitor = assert(adapter.monitor({
        inventory = check.inventory,
        options = { health = { interval_ms = 200 } },
        on_event = function(event)
            events[#events + 1] = event
        end,
        on_change = function(snapshot)
            changes[#changes + 1] = snapshot
        end,
    }))
    assert(monitor:check(function(snapshot, message)
        checked = snapshot or message
    end))
    eventually("check", function()
        return checked
    end)
    check.equal(checked:endpoint_count(), 2)
    check.equal(checked:endpoint_verdict(0), homelab.VERDICT_HEALTHY)
    assert(#events > 0 and #changes > 0)
    for _, event in ipairs(events) do
        check.equal(event:op(), nil)
    end
    check.equal(changes[#changes]:endpoint_verdict(0), homelab.VERDICT_HEALTHY)
    check.equal(assert(monitor:snapshot()):endpoint_count(), 2)
    -- A check that has not ended when the monitor does is told so, once.
    local told = {}
    assert(monitor:check(function(...)
        told[#told + 1] = { ... }
    end))
    monitor:close()
    monitor:close()
    check.equal(#told, 1)
    check.equal(told[1][1], nil)
    check.equal(told[1][3], homelab.E_CLOSED)
    check.fails(homelab.E_CLOSED, monitor:check(function() end))
end

local function test_close_in_callback()
    local monitor, calls = nil, 0
    monitor = assert(adapter.monitor({
        inventory = assert(homelab.inventory(check.inventory)),
        on_event = function()
            calls = calls + 1
            monitor:close()
        end,
    }))
    eventually("event", function()
        return calls > 0
    end)
    check.equal(calls, 1)
end

-- Any context, driven by hand; several at once.
local function test_attach()
    local left = 5
    for _ = 1, left do
        local ctx = assert(homelab.context())
        local prober = assert(ctx:prober(assert(homelab.inventory(check.inventory))))
        local loop = assert(adapter.attach(ctx))
        assert(loop:check(prober, function(snapshot)
            check.equal(snapshot:endpoint_count(), 2)
            left = left - 1
            loop:close()
            ctx:close()
        end))
        check.collect()
    end
    eventually("checks", function()
        return left == 0
    end)
end

local function test_thread()
    local ctx = assert(homelab.context())
    assert(ctx:start_thread())
    local prober = assert(ctx:prober(assert(homelab.inventory(check.inventory))))
    local loop, done = assert(adapter.attach(ctx)), nil
    assert(loop:check(prober, function(snapshot)
        done = snapshot
    end))
    eventually("check", function()
        return done
    end)
    loop:close()
    ctx:close()
end

-- In Neovim an error of a callback is told, and the events after it still come. (luv itself ends the program.)
local function test_error_in_callback()
    if not vim then
        return
    end
    local calls, checked = 0, nil
    local monitor = assert(adapter.monitor({
        inventory = check.inventory,
        on_event = function()
            calls = calls + 1
            if calls == 1 then
                error("the first one is wrong")
            end
        end,
    }))
    assert(monitor:check(function(snapshot)
        checked = snapshot
    end))
    eventually("check", function()
        return checked and calls > 2
    end)
    monitor:close()
    assert(vim.api.nvim_exec("messages", true):find("the first one is wrong", 1, true))
    vim.cmd("messages clear")
end

-- Interpreters of other threads start the module at the same time; texts pass between them.
local function test_interpreters()
    local done, left = {}, 12
    local work = uv.new_work(function(path)
        local module = require("homelab")
        local inventory = assert(module.inventory(path))
        local ctx = assert(module.context())
        local prober = assert(ctx:prober(inventory))
        assert(prober:check_now(20000))
        return (assert(prober:snapshot():json()))
    end, function(json)
        done[#done + 1] = json
    end)
    for _ = 1, left do
        assert(work:queue(check.inventory))
    end
    eventually("works", function()
        return #done == left
    end)
    for _, json in ipairs(done) do
        check.equal(assert(homelab.snapshot(json)):endpoint_verdict(0), homelab.VERDICT_HEALTHY)
    end
end

local function test_failures()
    check.fails(homelab.E_SYSTEM, adapter.monitor({ inventory = "/nonexistent.yaml" }))
    check.fails(homelab.E_OPTION_UNKNOWN, adapter.monitor({ inventory = check.inventory, options = { log = { rung = 1 } } }))
    local ctx = assert(homelab.context())
    ctx:close()
    check.fails(homelab.E_CLOSED, adapter.attach(ctx))
end

test_monitor()
test_close_in_callback()
test_attach()
test_thread()
test_error_in_callback()
test_interpreters()
test_failures()
check.collect()
if not vim then
    -- luv wants to see the handles closed before the interpreter ends.
    uv.run()
else
    -- Neovim ends with this one running; the adapter closes it.
    assert(adapter.monitor({ inventory = check.inventory }))
end
