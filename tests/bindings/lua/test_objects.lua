-- Objects: collected in any order, released at once, never used after they are gone.
local check = require("check")
local homelab = require("homelab")

local inventory = assert(homelab.inventory(check.inventory))

local function test_released()
    local snapshot = homelab.assume(inventory)
    snapshot:release()
    snapshot:release()
    check.raises("has been released", snapshot.text, snapshot)
    check.raises("has been released", homelab.Snapshot.without, snapshot, "local/ollama")
    check.equal(tostring(snapshot), "Snapshot: released")
    check.equal(snapshot == snapshot, true)
    local opts = homelab.options()
    opts:release()
    check.raises("has been released", homelab.context, opts)
    -- What SWIG has, and what a host's own userdata are, does no harm.
    check.equal(snapshot.__disown, nil)
    check.raises("expected Snapshot, found userdata", snapshot.text, io.stdout)
    check.raises("expected Snapshot", snapshot.text, opts)
    check.raises("", function()
        snapshot.field = 1
    end)
    local class = getmetatable(snapshot)
    class.__gc(io.stdout)
    class.__gc(opts)
    check.equal(class.__eq(snapshot, io.stdout), false)
    check.equal(class.__eq(io.stdout, io.stdout), false)
    for _, wrong in ipairs({ 5, io.stdout, {}, false }) do
        check.raises("expected an object of homelab", snapshot.release, wrong)
    end
    check.raises("expected an object of homelab", snapshot.release)
end

local function test_equality()
    local ctx = assert(homelab.context())
    local prober = assert(ctx:prober(inventory))
    assert(prober:check_now(20000))
    local op = assert(prober:check())
    local other = assert(prober:check())
    local found
    for event in ctx:events(20000) do
        if event:op() then
            assert(event:op() == op or event:op() == other)
            assert(event:op() == event:op())
            found = (found or 0) + 1
        end
        if found == 2 then
            break
        end
    end
    check.equal(op == other, false)
    check.equal(op:result(), homelab.OK)
    check.equal(tostring(op), "operation done")
    ctx:close()
end

local function test_close()
    local ctx = assert(homelab.context())
    local prober = assert(ctx:prober(inventory))
    local op = assert(prober:check())
    check.equal(op:is_done(), false)
    check.equal(tostring(op), "operation under way")
    check.equal(ctx:close(), true)
    check.equal(ctx:close(), true)
    check.equal(op:result(), homelab.E_CLOSED)
    check.fails(homelab.E_CLOSED, ctx:dispatch())
    check.fails(homelab.E_CLOSED, prober:check())
    assert(prober:snapshot())
end

-- A child keeps its context alive and open; once all are gone the context is closed.
local function test_parents()
    local prober = assert(assert(homelab.context()):prober(inventory))
    check.collect()
    check.equal(prober:check_now(20000), true)
    local op = assert(prober:check())
    prober = nil -- luacheck: ignore
    check.collect()
    check.equal(op:is_done(), false)
    local destroyed = setmetatable({}, { __mode = "k" })
    do
        local ctx = assert(homelab.context())
        local fn = function() end
        destroyed[fn] = true
        assert(ctx:set_log("debug", fn))
    end
    check.collect()
    check.equal(next(destroyed), nil, "function of a collected context")
end

-- Objects of every kind, dropped and collected in changing orders.
local function test_any_order()
    local state = 42
    local function random(n)
        state = (state * 16807) % 2147483647
        return state % n + 1
    end
    for round = 1, 60 do
        local pool = {}
        local ctx = assert(homelab.context())
        pool[#pool + 1] = ctx
        pool[#pool + 1] = assert(ctx:prober(inventory))
        pool[#pool + 1] = assert(pool[2]:check())
        pool[#pool + 1] = assert(pool[2]:snapshot())
        pool[#pool + 1] = assert(homelab.assume(inventory))
        pool[#pool + 1] = assert(homelab.builder(inventory))
        pool[#pool + 1] = assert(homelab.options({ log = { ring = 5 } }))
        pool[#pool + 1] = assert(homelab.report(check.inventory))
        ctx:set_log("debug", function() end)
        if round % 3 == 0 then
            assert(ctx:start_thread())
        end
        ctx:wait(1)
        local event = ctx:next_event()
        while event do
            pool[#pool + 1] = event
            event = ctx:next_event()
        end
        ctx = nil -- luacheck: ignore
        while #pool > 0 do
            table.remove(pool, random(#pool))
            if random(2) == 1 then
                collectgarbage("step", 10)
            end
            if random(5) == 1 then
                collectgarbage("collect")
            end
        end
    end
    check.collect()
end

-- In Lua 5.4 leaving a block closes.
local function test_to_be_closed()
    local chunk = [[
        local homelab, inventory = ...
        local kept, kept_snapshot
        do
            local ctx <close> = homelab.context()
            local snapshot <close> = homelab.assume(inventory)
            kept, kept_snapshot = ctx, snapshot
        end
        return kept, kept_snapshot
    ]]
    if _VERSION ~= "Lua 5.4" then
        return
    end
    local ctx, snapshot = load(chunk)(homelab, inventory)
    check.fails(homelab.E_CLOSED, ctx:dispatch())
    check.equal(tostring(snapshot), "Snapshot: released")
end

-- A coroutine that made a context may die; another one goes on with it.
local function test_coroutines()
    local lines = 0
    local ctx
    coroutine.wrap(function()
        ctx = assert(homelab.context())
        assert(ctx:set_log("debug", function()
            lines = lines + 1
        end))
    end)()
    check.collect()
    local prober = assert(coroutine.wrap(function()
        return ctx:prober(inventory)
    end)())
    coroutine.wrap(function()
        assert(prober:check_now(20000))
        assert(ctx:dispatch())
    end)()
    assert(ctx:dispatch())
    assert(lines > 0, "no log line")
    check.collect()
end

test_released()
test_equality()
test_close()
test_parents()
test_any_order()
test_to_be_closed()
test_coroutines()
