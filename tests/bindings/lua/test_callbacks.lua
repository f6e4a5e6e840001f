-- Callbacks: log lines and secrets; errors in them; functions that are let go exactly once.
local check = require("check")
local homelab = require("homelab")

local inventory = assert(homelab.inventory(check.inventory))

local function cluster(options)
    local ctx = assert(homelab.context(options))
    return ctx, assert(ctx:prober(inventory))
end

local function verdict_of_locked(prober)
    local snapshot = assert(prober:snapshot())
    return homelab.verdict_name(snapshot:endpoint_verdict(assert(snapshot:endpoint_find("remote/llama"))))
end

local function test_log()
    local ctx, prober = cluster()
    local lines = {}
    check.equal(ctx:set_log("debug", function(level, subsystem, message)
        lines[#lines + 1] = { level, subsystem, message }
    end), true)
    assert(prober:check_now(20000))
    assert(ctx:dispatch())
    assert(#lines > 0)
    for _, line in ipairs(lines) do
        check.equal(type(line[1]), "number")
        check.equal(type(line[2]), "string")
        assert(#line[3] > 0)
        assert(not line[3]:find("kept-secret", 1, true))
    end
    local count = #lines
    check.equal(ctx:set_log("off"), true)
    assert(prober:check_now(20000))
    check.equal(#lines, count)
    check.raises("expected a function or nil, found number", ctx.set_log, ctx, homelab.LOG_INFO, 5)
    check.raises("expected an integer, found string", ctx.set_log, ctx, "loud", print)
    assert(ctx:log_text())
end

-- An error of a callback is raised by the call that it ran in, as it is; the library goes on.
local function test_errors()
    local ctx, prober = cluster()
    local object = { "an error of its own" }
    local raised = 0
    assert(ctx:set_log("debug", function()
        raised = raised + 1
        error(object)
    end))
    local fine, found = pcall(prober.check_now, prober, 20000)
    if fine then
        fine, found = pcall(ctx.dispatch, ctx)
    end
    check.equal(fine, false)
    assert(raised >= 1)
    if raised == 1 then
        check.equal(found, object)
    else
        check.equal(type(found), "string")
    end
    -- Many errors in one call are told together.
    raised = 0
    local texts = {}
    for _ = 1, 3 do
        ctx, prober = cluster()
        assert(ctx:set_log("debug", function()
            raised = raised + 1
            error("number " .. raised, 0)
        end))
        fine, found = pcall(prober.check_now, prober, 20000)
        texts[#texts + 1] = not fine and found or nil
        fine, found = pcall(ctx.dispatch, ctx)
        texts[#texts + 1] = not fine and found or nil
    end
    local all = table.concat(texts, "\n")
    local told = select(2, all:gsub("number %d+", ""))
    for more in all:gmatch("and (%d+) more errors in callbacks") do
        told = told + more
    end
    check.equal(told, raised, "errors told")
    assert(raised > 0)
    assert(ctx:set_log("off"))
    assert(prober:check_now(20000))
end

local function test_secret_answers()
    local ctx, prober = cluster()
    local asked = {}
    assert(ctx:set_secret_provider(function(request)
        asked[#asked + 1] = request:reference() .. " for " .. request:subject()
        check.equal(request:kind(), homelab.SECRET_KIND_API_KEY)
        check.equal(request:attempt(), 1)
        return "kept-secret"
    end))
    assert(prober:check_now(20000))
    check.equal(asked[1], "env:LUA_TEST_KEY for remote/llama")
    check.equal(verdict_of_locked(prober), "HEALTHY")
end

local function test_secret_refused(answer, ...)
    local values, count = { ... }, select("#", ...)
    local ctx, prober = cluster()
    assert(ctx:set_secret_provider(function()
        return answer, (unpack or table.unpack)(values, 1, count)
    end))
    assert(prober:check_now(20000))
    check.equal(verdict_of_locked(prober), "MISCONFIGURED")
end

local function test_secret_wrong()
    for _, wrong in ipairs({ true, {}, 3, 1.5, print }) do
        local ctx, prober = cluster()
        assert(ctx:set_secret_provider(function()
            return wrong
        end))
        check.raises("secret provider: expected a text, nil, false or SECRET_LATER", prober.check_now, prober, 20000)
    end
    local ctx, prober = cluster()
    assert(ctx:set_secret_provider(function()
        error("the key ring is closed", 0)
    end))
    check.raises("the key ring is closed", prober.check_now, prober, 20000)
    assert(prober:snapshot())
end

local function test_secret_later()
    local ctx, prober = cluster()
    local kept
    assert(ctx:set_secret_provider(function(request)
        kept = request
        return homelab.SECRET_LATER
    end))
    local op = assert(prober:check())
    while not kept do
        assert(ctx:wait(100))
    end
    check.equal(op:is_done(), false)
    check.equal(kept:answer("kept-secret"), true)
    check.fails(homelab.E_STATE, kept:answer("again"))
    while not op:is_done() do
        assert(ctx:wait(100))
        for _ in ctx:events() do end -- luacheck: ignore
    end
    check.equal(op:result(), homelab.OK)
    check.equal(verdict_of_locked(prober), "HEALTHY")
    -- A request that is dropped unanswered is refused.
    ctx, prober = cluster()
    local requests = 0
    assert(ctx:set_secret_provider(function()
        requests = requests + 1
        return homelab.SECRET_LATER
    end))
    op = assert(prober:check())
    while not op:is_done() do
        assert(ctx:wait(100))
        for _ in ctx:events() do end -- luacheck: ignore
        check.collect()
    end
    assert(requests > 0)
    check.equal(verdict_of_locked(prober), "MISCONFIGURED")
end

-- Replaced, removed, refused by a closed context, or gone with it: the function is let go.
local function test_let_go()
    local alive = setmetatable({}, { __mode = "k" })
    local function fresh()
        local value = {}
        local function fn()
            return value
        end
        alive[fn] = true
        return fn
    end
    local function count()
        check.collect()
        local number = 0
        for _ in pairs(alive) do
            number = number + 1
        end
        return number
    end
    local ctx = assert(homelab.context())
    assert(ctx:set_log("debug", fresh()))
    assert(ctx:set_secret_provider(fresh()))
    check.equal(count(), 2)
    assert(ctx:set_log("debug", fresh()))
    check.equal(count(), 2)
    assert(ctx:set_log("off"))
    check.equal(count(), 1)
    assert(ctx:set_secret_provider())
    check.equal(count(), 0)
    assert(ctx:set_log("debug", fresh()))
    assert(ctx:set_secret_provider(fresh()))
    ctx:close()
    ctx:release()
    check.equal(count(), 0)
    ctx = assert(homelab.context())
    ctx:close()
    check.fails(homelab.E_CLOSED, ctx:set_log("debug", fresh()))
    check.equal(count(), 0)
end

-- A callback may replace itself; what drives the context is refused inside one.
local function test_inside()
    local ctx, prober = cluster()
    local codes = {}
    assert(ctx:set_log("debug", function()
        codes[#codes + 1] = select(3, ctx:dispatch())
        codes[#codes + 1] = select(3, ctx:wait(0))
        codes[#codes + 1] = select(3, ctx:close())
        check.collect()
        assert(ctx:set_log("off"))
    end))
    assert(prober:check_now(20000))
    assert(ctx:dispatch())
    check.equal(table.concat(codes, " "), ("%d %d %d"):format(homelab.E_STATE, homelab.E_STATE, homelab.E_STATE))
end

-- With a thread of the library callbacks still run inside the calls of this one.
local function test_thread()
    local ctx, prober = cluster()
    local inside, lines, asked = false, 0, 0
    assert(ctx:set_log("debug", function()
        assert(inside)
        lines = lines + 1
    end))
    assert(ctx:set_secret_provider(function()
        assert(inside)
        asked = asked + 1
        return "kept-secret"
    end))
    assert(ctx:start_thread())
    local op = assert(prober:check())
    while not (op:is_done() and lines > 0) do
        inside = true
        assert(ctx:wait(50))
        inside = false
        for _ in ctx:events() do end -- luacheck: ignore
        collectgarbage("step", 50)
    end
    assert(lines > 0 and asked > 0)
    check.equal(verdict_of_locked(prober), "HEALTHY")
    -- Left running: collection ends the thread.
end

test_log()
test_errors()
test_secret_answers()
test_secret_refused(nil)
test_secret_refused(false)
test_secret_refused(false, "no such key")
test_secret_refused(homelab.SECRET_PASS)
test_secret_refused(homelab.SECRET_DONE)
test_secret_refused(homelab.E_SECRET_UNAVAILABLE)
test_secret_wrong()
test_secret_later()
test_let_go()
test_inside()
for _ = 1, 5 do
    test_thread()
end
check.collect()
