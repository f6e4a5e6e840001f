-- The proxy of proxy.conf. Every worker decides for itself, from the snapshot that worker 0 publishes: deciding takes
-- microseconds and neither waits nor touches the network, so the balancer phase can do it.
local balancer = require("ngx.balancer")
local homelab = require("homelab")
local monitor = require("homelab.ngx")

local proxy = {}

local KINDS = {
    ["/v1/chat/completions"] = homelab.REQUEST_OPENAI_CHAT,
    ["/v1/embeddings"] = homelab.REQUEST_OPENAI_EMBEDDINGS,
}
local router, request, decision, generation

--- In each worker, once.
function proxy.start(path)
    local inventory = assert(homelab.inventory(path))
    router = assert(homelab.Router.new(inventory, nil, nil))
    request = assert(homelab.Request.new())
    decision = assert(homelab.Decision.new(router))
end

-- A new table when the snapshot is a new one; decisions under way keep theirs.
local function refresh()
    local snapshot = monitor.snapshot()
    if snapshot and snapshot:generation() ~= generation then
        generation = snapshot:generation()
        assert(router:update(nil, snapshot))
    end
end

local function refuse(status, message)
    ngx.status = status
    ngx.header["Content-Type"] = "application/json"
    ngx.say('{"error":{"message":"' .. message:gsub('[%c"\\]', " ") .. '","type":"homelab"}}')
    return ngx.exit(status)
end

--- access phase: the model, and the body that names it.
function proxy.choose()
    refresh()
    ngx.req.read_body()
    local body = ngx.req.get_body_data() or ""
    request:reset()
    request:set_kind(KINDS[ngx.var.uri])
    request:set_tag(ngx.var.http_x_homelab_tag)
    request:set_affinity(ngx.var.http_x_conversation)
    local count, message, code = router:decide(request, body, decision, 0)
    if not count then
        return refuse(code == homelab.E_ROUTE_NONE and 503 or 400, message)
    end
    -- The body is written once, so further tries go to the same model elsewhere.
    ngx.ctx.model, ngx.ctx.task = decision:model(0), decision:task()
    ngx.ctx.failed = {}
    ngx.req.set_body_data(assert(decision:rewrite(0, body)))
    ngx.header["X-Homelab-Model"] = ngx.ctx.model
end

local OUTCOMES = { [502] = homelab.OUTCOME_UNREACHABLE, [504] = homelab.OUTCOME_TIMEOUT, [429] = homelab.OUTCOME_BUSY,
    [503] = homelab.OUTCOME_BUSY, [404] = homelab.OUTCOME_MODEL, [500] = homelab.OUTCOME_SERVER_ERROR }

local function settle(outcome)
    local ctx = ngx.ctx
    if ctx.ticket then
        local elapsed_us = math.floor((ngx.now() - ctx.began) * 1e6)
        router:finish(ctx.ticket, outcome, -1, elapsed_us, -1, -1)
        ctx.ticket = nil
    end
end

--- balancer phase, for each try: the best server for that model now.
function proxy.balance()
    local ctx = ngx.ctx
    local state, status = balancer.get_last_failure()
    if state then
        settle(OUTCOMES[status] or homelab.OUTCOME_UNREACHABLE)
        ctx.failed[#ctx.failed + 1] = ctx.endpoint
    end
    request:reset()
    request:set_kind(KINDS[ngx.var.uri])
    request:set_task(ctx.task)
    request:set_affinity(ngx.var.http_x_conversation)
    request:set_pin(nil, ctx.model)
    for _, endpoint in ipairs(ctx.failed) do
        request:exclude(endpoint)
    end
    local count = router:decide(request, nil, decision, 0)
    if not count then
        return ngx.exit(502)
    end
    for i = 0, count - 1 do
        ctx.ticket = router:begin(decision, i)
        if ctx.ticket then
            ctx.endpoint, ctx.began = decision:endpoint(i), ngx.now()
            local host, port = decision:base_url(i):match("^http://%[?([^%]/]-)%]?:(%d+)")
            if count > 1 then
                balancer.set_more_tries(1)
            end
            return assert(balancer.set_current_peer(host, tonumber(port)))
        end
    end
    return ngx.exit(502)
end

--- log phase: what came of it.
function proxy.finish()
    local status = ngx.status
    settle(status < 400 and homelab.OUTCOME_OK or OUTCOMES[status] or homelab.OUTCOME_REJECTED)
end

return proxy
