--- libhomelab for Lua: what the C module offers, with options as tables, iteration and plain tables.
--
-- What can fail returns nil, a message and a code (then the subject of the error and its detail); an argument of the wrong type
-- is a Lua error. Indices count from 0, as in C; lists in plain tables count from 1.
local core = require("homelab.core")

local classes = core.classes
local homelab = {}

for name, value in pairs(core) do
    if name ~= "classes" then
        homelab[name] = value
    end
end

-- Options.

local kinds = {}
for i = 0, homelab.option_count() - 1 do
    kinds[homelab.option_key(i)] = homelab.option_type(i)
end

local function set_option(opts, key, value)
    local kind = type(value)
    if kind == "boolean" then
        return opts:set_bool(key, value)
    elseif kind == "string" then
        return opts:set_string(key, value)
    elseif kind ~= "number" then
        error(("option '%s': expected a boolean, number or text, found %s"):format(key, kind), 0)
    elseif kinds[key] == homelab.OPTION_INT and value % 1 == 0 then
        return opts:set_int(key, value)
    end
    return opts:set_double(key, value)
end

-- Longer than any key: what holds itself would nest without end.
local PREFIX_MAX = 128

local function set_options(opts, prefix, values)
    if #prefix > PREFIX_MAX then
        error(("options: nested too deeply, at '%s…'"):format(prefix:sub(1, 32)), 0)
    end
    for key, value in pairs(values) do
        if type(key) ~= "string" then
            error(("options: expected keys that are strings, found a %s"):format(type(key)), 0)
        end
        local done, message, code, subject
        if type(value) == "table" then
            done, message, code, subject = set_options(opts, prefix .. key .. ".", value)
        else
            done, message, code, subject = set_option(opts, prefix .. key, value)
        end
        if not done then
            return nil, message, code, subject
        end
    end
    return true
end

--- A bag of options from a table: { ["probe.depth"] = "http" } and { probe = { depth = "http" } } are the same.
function homelab.options(values)
    local opts, message, code = homelab.Opts.new()
    if not opts then
        return nil, message, code
    end
    local done, subject
    done, message, code, subject = set_options(opts, "", values or {})
    if not done then
        return nil, message, code, subject
    end
    return opts
end

--- Calls make with the bag that a table of options describes; a bag, or nil for the defaults, is handed on as it is.
local function with_bag(options, make)
    if type(options) ~= "table" then
        return make(options)
    end
    local opts, message, code, subject = homelab.options(options)
    if not opts then
        return nil, message, code, subject
    end
    return make(opts)
end

-- Constructors.

--- A context: the event loop behind one descriptor.
function homelab.context(options)
    return with_bag(options, homelab.Ctx.new)
end

local formats = { json = homelab.FORMAT_JSON, yaml = homelab.FORMAT_YAML, auto = homelab.FORMAT_AUTO }

--- Reads source, a path or { text = …, format = "yaml", name = … }, with one of two functions.
local function read(source, options, of_file, of_text)
    if type(source) ~= "table" then
        return with_bag(options, function(opts)
            return of_file(source, opts)
        end)
    end
    local format = formats[source.format or "auto"]
    if not format then
        error(("format: expected json, yaml or auto, found %s"):format(tostring(source.format)), 2)
    end
    return with_bag(options, function(opts)
        return of_text(source.text, format, source.name, opts)
    end)
end

--- An inventory from a file, or from { text = …, format = "json" | "yaml", name = … }.
function homelab.inventory(source, options)
    return read(source, options, homelab.Inventory.load_file, homelab.Inventory.load_text)
end

--- All problems of an inventory; source as for homelab.inventory().
function homelab.report(source, options)
    return read(source, options, homelab.Report.file, homelab.Report.text)
end

--- A builder, empty or filled from an inventory.
function homelab.builder(from, options)
    return with_bag(options, function(opts)
        return homelab.Builder.new(from, opts)
    end)
end

--- A prober of an inventory's endpoints, driven by a context.
function homelab.prober(ctx, inventory, options)
    return with_bag(options, function(opts)
        return homelab.Prober.new(ctx, inventory, opts)
    end)
end

--- The snapshot that a text from snapshot:json() holds.
function homelab.snapshot(json, options)
    return with_bag(options, function(opts)
        return homelab.Snapshot.parse(json, opts)
    end)
end

--- The snapshot of a cluster in which everything works as the inventory says.
function homelab.assume(inventory)
    return homelab.Snapshot.assume(inventory)
end

--- What a model file says: of a path, or of { data = bytes, name = … }, { show = json } (Ollama's /api/show) or
--- { models = json, model = … } (llama.cpp's /v1/models).
function homelab.gguf(source, options)
    return with_bag(options, function(opts)
        if type(source) ~= "table" then
            return homelab.Gguf.load_file(source, opts)
        elseif source.show then
            return homelab.Gguf.load_show(source.show, opts)
        elseif source.models then
            return homelab.Gguf.load_models(source.models, source.model, opts)
        end
        return homelab.Gguf.load_memory(source.data, source.name, opts)
    end)
end

--- A planner of an inventory's models.
function homelab.planner(inventory, options)
    return with_bag(options, function(opts)
        return homelab.Planner.new(inventory, opts)
    end)
end

--- What kind of work a prompt is.
function homelab.classify(text, options)
    return with_bag(options, function(opts)
        local found, message, code = homelab.Classification.new(opts)
        if not found then
            return nil, message, code
        end
        local done
        done, message, code = homelab.classify_text(found, text, 0)
        if not done then
            return nil, message, code
        end
        return found
    end)
end

--- A router; without a snapshot nothing was looked at yet.
function homelab.router(inventory, snapshot, options)
    return with_bag(options, function(opts)
        return homelab.Router.new(inventory, snapshot, opts)
    end)
end

-- Requests.

local request_kinds = {
    text = homelab.REQUEST_TEXT,
    openai_chat = homelab.REQUEST_OPENAI_CHAT,
    openai_embeddings = homelab.REQUEST_OPENAI_EMBEDDINGS,
    ollama_chat = homelab.REQUEST_OLLAMA_CHAT,
    ollama_embed = homelab.REQUEST_OLLAMA_EMBED,
}
local needs = {
    vision = homelab.NEED_VISION,
    tools = homelab.NEED_TOOLS,
    json = homelab.NEED_JSON,
    embedding = homelab.NEED_EMBEDDING,
}
local tasks = {}
for task = 1, homelab.TASK_COUNT do
    tasks[homelab.task_name(task)] = task
end

local function known(values, name, what)
    return values[name] or error(("%s: found '%s'"):format(what, tostring(name)), 0)
end

--- One name stands for a list of it.
local function each(names)
    return ipairs(type(names) == "string" and { names } or names)
end

--- What sets each key of a table that says what is asked for. Each of a pair sets both.
local setters = {
    kind = function(request, kind)
        return request:set_kind(known(request_kinds, kind, "kind"))
    end,
    task = function(request, task)
        return request:set_task(known(tasks, task, "task"))
    end,
    tag = function(request, tag)
        return request:set_tag(tag)
    end,
    affinity = function(request, key)
        return request:set_affinity(key)
    end,
    endpoint = function(request, endpoint, asked)
        return request:set_pin(endpoint, asked.model)
    end,
    model = function(request, model, asked)
        return request:set_pin(asked.endpoint, model)
    end,
    exclude = function(request, endpoints)
        for _, endpoint in each(endpoints) do
            local done, message, code = request:exclude(endpoint)
            if not done then
                return nil, message, code
            end
        end
        return true
    end,
    needs = function(request, names)
        local bits = 0
        for _, name in each(names) do
            local bit = known(needs, name, "needs")
            bits = bits % (2 * bit) >= bit and bits or bits + bit
        end
        return request:require(bits)
    end,
    context_tokens = function(request, tokens, asked)
        return request:set_tokens(tokens, asked.answer_tokens or 0)
    end,
    answer_tokens = function(request, tokens, asked)
        return request:set_tokens(asked.context_tokens or 0, tokens)
    end,
}

--- A request from a table: kind ("text", "openai_chat", "openai_embeddings", "ollama_chat", "ollama_embed"), task, tag,
--- affinity, endpoint, model, exclude and needs (a name or a list each), context_tokens, answer_tokens. A request is handed
--- on as it is.
function homelab.request(asked)
    if asked ~= nil and type(asked) ~= "table" then
        return asked
    end
    local request, message, code = homelab.Request.new()
    if not request then
        return nil, message, code
    end
    for key, value in pairs(asked or {}) do
        local done
        done, message, code = known(setters, key, "request")(request, value, asked)
        if not done then
            return nil, message, code
        end
    end
    return request
end

--- The options that there are: a list of { key, type, default, min, max, unit, text, since }.
function homelab.option_table()
    local names = {
        [homelab.OPTION_BOOL] = "boolean",
        [homelab.OPTION_INT] = "integer",
        [homelab.OPTION_DOUBLE] = "number",
        [homelab.OPTION_STRING] = "string",
    }
    local list = {}
    for i = 0, homelab.option_count() - 1 do
        list[i + 1] = {
            key = homelab.option_key(i),
            type = names[homelab.option_type(i)],
            default = homelab.option_default(i),
            min = homelab.option_min(i),
            max = homelab.option_max(i),
            unit = homelab.option_unit(i),
            text = homelab.option_text(i),
            since = homelab.option_since(i),
        }
    end
    return list
end

-- Methods beyond those of the C interface.

local function method(class, name, fn)
    classes[class].__index[name] = fn
end

--- Takes the events that wait, oldest first. With a time-out in milliseconds (-1: none) it waits for the next one, and ends
--- when none came in time.
method("Ctx", "events", function(ctx, timeout_ms)
    return function()
        local event, message, code = ctx:next_event()
        if event or message then
            return assert(event, message, code)
        end
        if timeout_ms and assert(ctx:wait(timeout_ms)) > 0 then
            return ctx:next_event()
        end
        return nil
    end
end)

--- What this snapshot would become without some nodes.
method("Snapshot", "without", homelab.Snapshot.without)

--- A prober of an inventory, driven by this context.
method("Ctx", "prober", homelab.prober)

--- What a model needs of each device.
method("Gguf", "estimate", function(gguf, options)
    return with_bag(options, function(opts)
        return homelab.Estimate.new(gguf, opts)
    end)
end)

--- The same with the largest number of layers that fits.
method("Gguf", "fit", function(gguf, options)
    return with_bag(options, function(opts)
        return homelab.Estimate.fit_layers(gguf, opts)
    end)
end)

--- Who answers a text, with all reasons: a decision of its own. What is asked for is a table as for homelab.request().
method("Router", "route", function(router, text, asked)
    local request, message, code = homelab.request(asked)
    if not request then
        return nil, message, code
    end
    local decision, count
    decision, message, code = homelab.Decision.new(router)
    if not decision then
        return nil, message, code
    end
    count, message, code = router:decide(request, text, decision, homelab.DECIDE_EXPLAIN)
    if not count then
        return nil, message, code
    end
    return decision
end)

--- Sends a text; what is asked for is a table as for homelab.request(). The operation's events bring the answer.
method("Router", "ask", function(router, ctx, text, asked, flags)
    local request, message, code = homelab.request(asked)
    if not request then
        return nil, message, code
    end
    return router:send(ctx, request, text, flags or 0)
end)

--- What an operation of a router brought.
method("Op", "reply", homelab.Reply.of)

local levels = {
    off = homelab.LOG_OFF,
    error = homelab.LOG_ERROR,
    warn = homelab.LOG_WARN,
    info = homelab.LOG_INFO,
    debug = homelab.LOG_DEBUG,
}
local set_log = classes.Ctx.__index.set_log

--- Hands log lines to fn(level, subsystem, message); the level may be its name. Without fn none are handed on.
method("Ctx", "set_log", function(ctx, level, fn)
    return set_log(ctx, levels[level] or level, fn)
end)

local set_secret_provider = classes.Ctx.__index.set_secret_provider

--- Lets fn(request) answer requests for secrets: it returns the secret, nil (as if it were not set), false and a reason, or
--- homelab.SECRET_LATER when it keeps the request and answers later. Without fn none is asked.
method("Ctx", "set_secret_provider", function(ctx, fn)
    return set_secret_provider(ctx, fn)
end)

local function decoded(of_json)
    return function(...)
        local json, message, code = of_json(...)
        if not json then
            return nil, message, code
        end
        return homelab.decode(json)
    end
end

--- What tells itself as JSON tells itself as plain tables too; null is nil.
for name, class in pairs(classes) do
    if class.__index.json then
        method(name, "to_table", decoded(class.__index.json))
    end
end
method("Ctx", "stats", decoded(classes.Ctx.__index.stats_json))

-- Metamethods.

local function leave(object)
    if object.close then
        object:close()
    else
        object:release()
    end
end

local function gib(bytes)
    return ("%.1f GiB"):format(bytes / 2 ^ 30)
end

local describe = {
    Classification = function(classification)
        return ("%s (%.0f %%)"):format(homelab.task_name(classification:task()), 100 * classification:confidence())
    end,
    Decision = function(decision)
        local model = decision:model(0)
        local first = model and ("%s on %s"):format(model, decision:endpoint(0)) or "nobody"
        return ("%s: %s"):format(homelab.task_name(decision:task()), first)
    end,
    Estimate = function(estimate)
        local devices = {}
        for i = 0, estimate:device_count() - 1 do
            devices[i + 1] = estimate:device_name(i) .. " " .. gib(estimate:total_bytes(i))
        end
        return table.concat(devices, ", ")
    end,
    Gguf = function(gguf)
        return ("%s: %d layers, %s"):format(gguf:name() or gguf:architecture() or "model", gguf:layer_count(),
            gib(gguf:tensor_total_bytes()))
    end,
    Plan = function(plan)
        local placed = 0
        for i = 0, plan:model_count() - 1 do
            placed = placed + (plan:model_is_placed(i) and 1 or 0)
        end
        return ("plan: %d of %d models placed"):format(placed, plan:model_count())
    end,
    Reply = function(reply)
        return reply:text()
    end,
    Router = function(router)
        return ("router: %d experts"):format(router:expert_count())
    end,
    Event = function(event)
        return event:type() == homelab.EVENT_OP_DONE and tostring(event:op()) or event:text()
    end,
    Op = function(op)
        if not op:is_done() then
            return "operation under way"
        end
        return op:result() == homelab.OK and "operation done" or "operation failed: " .. op:message()
    end,
    Inventory = function(inventory)
        return ("inventory: %d endpoints, %d nodes"):format(inventory:endpoint_count(), inventory:node_count())
    end,
    Report = function(report)
        local lines = {}
        for i = 0, report:count() - 1 do
            lines[i + 1] = report:message(i)
        end
        return table.concat(lines, "\n")
    end,
    Snapshot = function(snapshot)
        return ("%s: %s"):format(homelab.verdict_name(snapshot:verdict()), snapshot:text())
    end,
}

for name, class in pairs(classes) do
    class.__close = leave
    if describe[name] then
        class.__tostring = function(object)
            local fine, text = pcall(describe[name], object)
            return fine and text or name .. ": released"
        end
    end
end

return homelab
