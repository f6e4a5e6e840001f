--- libhomelab in nginx with its Lua module (also OpenResty): one worker monitors the cluster, all workers know its state.
--
-- Worker 0 dispatches from a timer, without ever waiting, and publishes the snapshot as JSON in a shared dictionary. Every
-- worker reads it from there and parses it once for each publication.
--
--     lua_shared_dict homelab 4m;
--     init_worker_by_lua_block { require("homelab.ngx").start({ inventory = "/etc/homelab/cluster.yaml" }) }
--     content_by_lua_block     { ngx.say(require("homelab.ngx").snapshot():text()) }
local homelab = require("homelab")

local ngx = ngx
local adapter = {}

-- Keys of the dictionary.
local SNAPSHOT, NUMBER, PROBLEM = "homelab:snapshot", "homelab:number", "homelab:problem"
-- How long changes without an event, such as latencies, may wait until they are published, in seconds.
local REFRESH_S = 1
-- nginx cannot wait for a foreign descriptor. So that latencies are measured well nevertheless, turns follow each other quickly
-- while there is work, and for a while after: then answers are under way.
local QUICK_S, QUICK_FOR_S = 0.002, 0.5

local Monitor = {}
Monitor.__index = Monitor

--- Puts the present snapshot into the dictionary when it has changed.
function Monitor:_publish(now)
    self.published_at = now
    local snapshot = assert(self.prober:snapshot())
    local generation = snapshot:generation()
    if generation == self.generation then
        return
    end
    local json = assert(snapshot:json())
    snapshot:release()
    local stored, message = self.dict:safe_set(SNAPSHOT, json)
    if not stored then
        error(("lua_shared_dict '%s': %s, the snapshot has %d bytes"):format(self.name, message, #json), 0)
    end
    self.generation = generation
    assert(self.dict:incr(NUMBER, 1, 0))
    self.dict:delete(PROBLEM)
end

--- Whether the dispatch before found something to do.
function Monitor:_worked()
    local idle = assert(self.ctx:stats_json()):match('"spurious_dispatches":(%d+)')
    local worked = idle == self.idle_turns
    self.idle_turns = idle
    return worked
end

--- What is due is done, without waiting, and changes are published.
function Monitor:_turn()
    assert(self.ctx:dispatch(0))
    local changed = false
    for event in self.ctx:events() do
        changed = true
        if event:type() == homelab.EVENT_OP_DONE and event:op() == self.first then
            -- From now on the state is a known one; until then that of the monitor before stays.
            self.known = true
        elseif self.on_event then
            self.on_event(event)
        end
    end
    local now = ngx.now()
    if self:_worked() then
        self.worked_at = now
    end
    if self.known and (changed or now - self.published_at >= REFRESH_S) then
        self:_publish(now)
    end
end

--- Ends the monitor. May be called again.
function Monitor:close()
    self.closed = true
    self.timer.monitor = nil
    self.prober:close()
    self.ctx:close()
end

local function fail(dict, message)
    dict:set(PROBLEM, message)
    ngx.log(ngx.ERR, "homelab: ", message)
end

local turn

--- Keeps the turns quick while there is work.
local function hurry(monitor)
    if not monitor.hurrying and not monitor.closed and ngx.now() - monitor.worked_at < QUICK_FOR_S then
        monitor.hurrying = ngx.timer.at(QUICK_S, function(premature)
            monitor.hurrying = nil
            turn(premature, monitor)
        end)
    end
end

function turn(premature, monitor)
    if monitor.closed then
        return
    end
    if premature then
        -- The worker ends, by a reload or for good.
        monitor:close()
        return
    end
    local fine, message = pcall(monitor._turn, monitor)
    if not fine then
        fail(monitor.dict, tostring(message))
    end
    hurry(monitor)
end

--- A recurring timer cannot be taken back: that of a closed monitor goes on, but keeps nothing.
local function tick(premature, timer)
    if timer.monitor then
        turn(premature, timer.monitor)
    end
end

--- The context, prober and timer of worker 0.
local function begin(settings, dict, name)
    local inventory = settings.inventory
    if type(inventory) ~= "userdata" then
        inventory = assert(homelab.inventory(inventory, settings.options))
    end
    local ctx = assert(homelab.context(settings.options))
    local prober = assert(ctx:prober(inventory, settings.options))
    local monitor = setmetatable({
        ctx = ctx,
        prober = prober,
        dict = dict,
        name = name,
        on_event = settings.on_event,
        published_at = 0,
        worked_at = ngx.now(),
        known = dict:get(SNAPSHOT) == nil,
        timer = {},
    }, Monitor)
    monitor.timer.monitor = monitor
    assert(prober:start(0))
    monitor.first = assert(prober:check(0))
    assert(ngx.timer.every(settings.interval or 0.05, tick, monitor.timer))
    hurry(monitor)
    return monitor
end

--- To be called in init_worker_by_lua. In worker 0 it starts the monitor and returns it; in the others it does nothing.
--
-- settings: inventory (a path, { text = … } or an inventory), options, dict (name of the lua_shared_dict, "homelab"), interval
-- (longest time between dispatches in seconds, 0.05), on_event(event). What is wrong is logged and told by snapshot(); the
-- worker goes on.
function adapter.start(settings)
    local name = settings.dict or "homelab"
    local dict = ngx.shared[name]
    if not dict then
        error(("homelab.ngx: nginx has no 'lua_shared_dict %s'"):format(name), 2)
    end
    adapter.dict = dict
    if ngx.worker.id() ~= 0 then
        return nil
    end
    local fine, monitor = pcall(begin, settings, dict, name)
    if not fine then
        fail(dict, tostring(monitor))
        return nil, tostring(monitor)
    end
    return monitor
end

local cached, cached_number

--- The published text and its number; nil and a message before the first publication.
local function published()
    local dict = adapter.dict
    if not dict then
        return nil, "homelab.ngx: start() was not called in this worker"
    end
    local json = dict:get(SNAPSHOT)
    if not json then
        return nil, dict:get(PROBLEM) or "not looked at yet", homelab.E_PENDING
    end
    return json
end

--- The last published snapshot, in any worker and any phase. nil and a message before the first one.
function adapter.snapshot()
    local number = adapter.dict and adapter.dict:get(NUMBER)
    if cached and number == cached_number then
        return cached
    end
    local json, message, code = published()
    if not json then
        return nil, message, code
    end
    local snapshot
    snapshot, message, code = homelab.snapshot(json)
    if not snapshot then
        return nil, message, code
    end
    cached, cached_number = snapshot, number
    return snapshot
end

--- The last published snapshot as JSON text (schema/snapshot.schema.json), without parsing it.
function adapter.json()
    return published()
end

return adapter
