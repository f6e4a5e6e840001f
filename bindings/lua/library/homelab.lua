---@meta homelab
-- What the Lua sources offer, for the Lua language server; what the C module offers stands in homelab/core.lua. Add this folder
-- to `Lua.workspace.library`.

---libhomelab for Lua. What can fail returns nil, a message and a code; an argument of the wrong type is a Lua error.
---@class homelab: homelab.core
local homelab = {}

---Options by key: `{ ["probe.depth"] = "http" }` and `{ probe = { depth = "http" } }` are the same; or a bag of options.
---@alias homelab.Options table<string, boolean|number|string|table>|homelab.Opts

---A path, or a text with its format.
---@alias homelab.Source string|{ text: string, format?: "json"|"yaml"|"auto", name?: string }

---@class homelab.Option
---@field key string
---@field type "boolean"|"integer"|"number"|"string"
---@field default string
---@field min number
---@field max number
---@field unit string
---@field text string
---@field since string

---A bag of options.
---@param values? table<string, boolean|number|string|table>
---@return homelab.Opts?
---@return string? message
---@return integer? code
---@return string? subject
function homelab.options(values) end

---The options that there are.
---@return homelab.Option[]
function homelab.option_table() end

---A context: the event loop behind one descriptor.
---@param options? homelab.Options
---@return homelab.Ctx?
---@return string? message
---@return integer? code
---@return string? subject
function homelab.context(options) end

---An inventory from a file or a text.
---@param source homelab.Source
---@param options? homelab.Options
---@return homelab.Inventory?
---@return string? message
---@return integer? code
---@return string? subject
function homelab.inventory(source, options) end

---All problems of an inventory; also where it is wrong there is a report.
---@param source homelab.Source
---@param options? homelab.Options
---@return homelab.Report?
---@return string? message
---@return integer? code
function homelab.report(source, options) end

---A builder, empty or filled from an inventory.
---@param from? homelab.Inventory
---@param options? homelab.Options
---@return homelab.Builder?
---@return string? message
---@return integer? code
function homelab.builder(from, options) end

---A prober of an inventory's endpoints, driven by a context.
---@param ctx homelab.Ctx
---@param inventory homelab.Inventory
---@param options? homelab.Options
---@return homelab.Prober?
---@return string? message
---@return integer? code
function homelab.prober(ctx, inventory, options) end

---The snapshot that a text from snapshot:json() holds.
---@param json string
---@param options? homelab.Options
---@return homelab.Snapshot?
---@return string? message
---@return integer? code
function homelab.snapshot(json, options) end

---The snapshot of a cluster in which everything works as the inventory says.
---@param inventory homelab.Inventory
---@return homelab.Snapshot?
---@return string? message
---@return integer? code
function homelab.assume(inventory) end

---A path; bytes; what Ollama tells; what llama.cpp tells.
---@alias homelab.GgufSource string|{ data: string, name?: string }|{ show: string }|{ models: string, model?: string }

---What a model file says.
---@param source homelab.GgufSource
---@param options? homelab.Options
---@return homelab.Gguf?
---@return string? message
---@return integer? code
function homelab.gguf(source, options) end

---A planner of an inventory's models.
---@param inventory homelab.Inventory
---@param options? homelab.Options
---@return homelab.Planner?
---@return string? message
---@return integer? code
function homelab.planner(inventory, options) end

---What kind of work a prompt is.
---@param text string
---@param options? homelab.Options
---@return homelab.Classification?
---@return string? message
---@return integer? code
function homelab.classify(text, options) end

---A router; without a snapshot nothing was looked at yet.
---@param inventory homelab.Inventory
---@param snapshot? homelab.Snapshot
---@param options? homelab.Options
---@return homelab.Router?
---@return string? message
---@return integer? code
function homelab.router(inventory, snapshot, options) end

---@class homelab.Asked
---@field kind? "text"|"openai_chat"|"openai_embeddings"|"ollama_chat"|"ollama_embed"
---@field task? "code"|"reason"|"chat"|"fast"|"vision"|"embed"
---@field tag? string Who asks, for rules of the inventory
---@field affinity? string Requests with the same key go to the same model while it is healthy
---@field endpoint? string
---@field model? string
---@field exclude? string[] Endpoints
---@field needs? ("vision"|"tools"|"json"|"embedding")[]
---@field context_tokens? integer
---@field answer_tokens? integer

---A request from a table; a request is handed on as it is.
---@param asked? homelab.Asked|homelab.Request
---@return homelab.Request?
---@return string? message
---@return integer? code
function homelab.request(asked) end

---@class homelab.Gguf
local Gguf = {}

---What the model needs of each device.
---@param options? homelab.Options
---@return homelab.Estimate?
---@return string? message
---@return integer? code
function Gguf:estimate(options) end

---The same with the largest number of layers that fits.
---@param options? homelab.Options
---@return homelab.Estimate?
---@return string? message
---@return integer? code
function Gguf:fit(options) end

---@class homelab.Router
local Router = {}

---Who answers a text, with all reasons.
---@param text string
---@param asked? homelab.Asked|homelab.Request
---@return homelab.Decision?
---@return string? message
---@return integer? code
function Router:route(text, asked) end

---Sends a text; events of the operation bring the answer, then op:reply() tells the rest.
---@param ctx homelab.Ctx
---@param text string
---@param asked? homelab.Asked|homelab.Request
---@param flags? integer
---@return homelab.Op?
---@return string? message
---@return integer? code
function Router:ask(ctx, text, asked, flags) end

---@class homelab.Op
local Op = {}

---What an operation of a router brought, also when it failed.
---@return homelab.Reply?
---@return string? message
---@return integer? code
function Op:reply() end

---@class homelab.Ctx
local Ctx = {}

---Takes the events that wait, oldest first. With a time-out in milliseconds (-1: none) it waits for the next one, and ends when
---none came in time.
---@param timeout_ms? integer
---@return fun(): homelab.Event?
function Ctx:events(timeout_ms) end

---A prober of an inventory, driven by this context.
---@param inventory homelab.Inventory
---@param options? homelab.Options
---@return homelab.Prober?
---@return string? message
---@return integer? code
function Ctx:prober(inventory, options) end

---Hands log lines to a function; without one none are handed on.
---@param level integer|"off"|"error"|"warn"|"info"|"debug"
---@param fn? fun(level: integer, subsystem: string, message: string)
---@return boolean?
---@return string? message
---@return integer? code
function Ctx:set_log(level, fn) end

---Counters of the context.
---@return table<string, integer>?
---@return string? message
---@return integer? code
function Ctx:stats() end

---@class homelab.Snapshot
local Snapshot = {}

---What this snapshot would become without some nodes.
---@param nodes string Ids, separated by commas
---@return homelab.Snapshot?
---@return string? message
---@return integer? code
function Snapshot:without(nodes) end

-- homelab.uv

---@class homelab.uv
local uv = {}

---@class homelab.uv.Loop
---@field ctx homelab.Ctx
local Loop = {}

---Starts a sweep; the callback gets a snapshot, or nil, a message and a code, once.
---@param prober homelab.Prober
---@param callback fun(snapshot: homelab.Snapshot?, message: string?, code: integer?)
---@return homelab.Op?
---@return string? message
---@return integer? code
function Loop:check(prober, callback) end

---Stops waiting for the context, which stays as it is.
function Loop:close() end

---@class homelab.uv.Monitor
---@field ctx homelab.Ctx
---@field prober homelab.Prober
---@field loop homelab.uv.Loop
local Monitor = {}

---The present state.
---@return homelab.Snapshot?
---@return string? message
---@return integer? code
function Monitor:snapshot() end

---Looks at every endpoint now.
---@param callback fun(snapshot: homelab.Snapshot?, message: string?, code: integer?)
---@return homelab.Op?
---@return string? message
---@return integer? code
function Monitor:check(callback) end

---Ends the monitor.
function Monitor:close() end

---@class homelab.uv.Settings
---@field inventory homelab.Source|homelab.Inventory
---@field options? homelab.Options
---@field on_event? fun(event: homelab.Event)
---@field on_change? fun(snapshot: homelab.Snapshot)

---Lets libuv's loop drive a context.
---@param ctx homelab.Ctx
---@param on_event? fun(event: homelab.Event)
---@param on_turn? fun()
---@return homelab.uv.Loop?
---@return string? message
---@return integer? code
function uv.attach(ctx, on_event, on_turn) end

---Monitors a cluster on libuv's loop until it is closed.
---@param settings homelab.uv.Settings
---@return homelab.uv.Monitor?
---@return string? message
---@return integer? code
function uv.monitor(settings) end

-- homelab.ngx

---@class homelab.ngx
local ngx = {}

---@class homelab.ngx.Monitor
---@field ctx homelab.Ctx
---@field prober homelab.Prober

---@class homelab.ngx.Settings
---@field inventory homelab.Source|homelab.Inventory
---@field options? homelab.Options
---@field dict? string Name of the lua_shared_dict, "homelab"
---@field interval? number Longest time between dispatches in seconds, 0.05
---@field on_event? fun(event: homelab.Event)

---To be called in init_worker_by_lua; starts the monitor in worker 0.
---@param settings homelab.ngx.Settings
---@return homelab.ngx.Monitor?
---@return string? message
function ngx.start(settings) end

---The last published snapshot, in any worker and phase.
---@return homelab.Snapshot?
---@return string? message
---@return integer? code
function ngx.snapshot() end

---The last published snapshot as JSON.
---@return string?
---@return string? message
---@return integer? code
function ngx.json() end

return homelab
