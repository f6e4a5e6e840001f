-- Model files, estimates, plans, classification and the router.
local check = require("check")
local homelab = require("homelab")

local HEADER = assert(os.getenv("HOMELAB_HEADER"))

local function test_gguf()
    local gguf = assert(homelab.gguf(HEADER))
    check.equal(tostring(gguf), "llama-3.2-1b: 16 layers, 0.7 GiB")
    check.equal(gguf:to_table().n_layer, 16)
    local file = assert(io.open(HEADER, "rb"))
    local data = file:read("*a")
    file:close()
    check.equal(assert(homelab.gguf({ data = data, name = "mine" })):layer_count(), 16)
    check.fails(homelab.E_FORMAT, homelab.gguf({ data = data:sub(1, 1000), name = "mine" }))
    check.fails(homelab.E_LIMIT, homelab.gguf(HEADER, { gguf = { max_keys = 3 } }))
    check.fails(homelab.E_OPTION_UNKNOWN, homelab.gguf(HEADER, { ["gguf.max_key"] = 3 }))
    check.fails(homelab.E_SYSTEM, homelab.gguf("/nonexistent"))
    local show = '{"model_info":{"general.architecture":"llama","llama.block_count":16}}'
    check.equal(assert(homelab.gguf({ show = show })):is_certain(), false)
    local models = '{"data":[{"id":"m","meta":{"n_vocab":7,"n_ctx_train":8,"n_embd":9,"n_params":10,"size":11}}]}'
    check.equal(assert(homelab.gguf({ models = models, model = "m" })):vocabulary_size(), 7)
    check.fails(homelab.E_NOT_FOUND, homelab.gguf({ models = models, model = "n" }))
end

local function test_estimate()
    local gguf = assert(homelab.gguf(HEADER))
    local options = { vram = { context = 8192, devices = "cuda:8.9", free_mib = "1200", margin_mib = 512 } }
    local estimate = assert(gguf:estimate(options))
    check.equal(estimate:gpu_layers(), 17)
    check.equal(tostring(estimate):match("^CUDA0 %d%.%d GiB, HOST %d%.%d GiB$") ~= nil, true, tostring(estimate))
    check.equal(assert(gguf:fit(options)):gpu_layers(), 9)
    local seen = assert(homelab.Estimate.calibrate(estimate, 0, 3 * 2 ^ 30))
    check.equal(seen:total_bytes(0), 3 * 2 ^ 30)
end

local function test_plan()
    local inventory = assert(homelab.inventory({ text = [[
        nodes: {a: {gpus: [{memory_gib: 24}]}}
        models: {m: {context: 8192}, n: {size_gib: 40}}
    ]] }))
    local planner = assert(homelab.planner(inventory, { plan = { context = 4096 } }))
    assert(planner:set_header("m", assert(homelab.gguf(HEADER))))
    assert(planner:set_used("a", 0, 2 ^ 30))
    local plan = assert(planner:plan())
    check.equal(tostring(plan), "plan: 1 of 2 models placed")
    check.equal(plan:to_table().left_out[1].name, "n")
    check.equal(plan:diff(plan), "")
    check.fails(homelab.E_NOT_FOUND, planner:set_used("b", 0, 0))
end

local function test_classify()
    check.equal(tostring(assert(homelab.classify("Write a Lua function that reverses a list"))):match("^%a+"), "code")
    local sure = assert(homelab.classify("hello", { classify = { abstain_below = 1 } }))
    check.equal(sure:abstains(), true)
    local body = assert(homelab.Classification.new())
    assert(homelab.classify_request(body, nil, '{"input":"x"}', 0))
    check.equal(homelab.task_name(body:task()), "embed")
    check.equal(body:to_table().decided_by, "embedding")
end

local ROUTES = { text = [[
endpoints:
  a/x: {url: "http://127.0.0.1:1", tier: A, backend: llamacpp}
  b/y: {url: "http://127.0.0.1:2", tier: B, backend: ollama}
models:
  "chat:7b": {endpoints: [a/x, b/y]}
  nomic-embed-text: {endpoints: [b/y]}
rules: [{tag: bot, task: fast}]
]] }

local function test_route()
    local router = assert(homelab.router(assert(homelab.inventory(ROUTES)), nil, { router = { top_k = 2 } }))
    check.equal(tostring(router), "router: 3 experts")
    local code = "Write a Lua function that reverses a list"
    check.equal(tostring(assert(router:route(code))), "code: chat:7b on a/x")
    check.equal(router:route(code):to_table().rejected[1].why, "capability")
    check.equal(router:route(code, { exclude = { "a/x" } }):endpoint(0), "b/y")
    check.equal(router:route(code, { exclude = "a/x" }):endpoint(0), "b/y")
    check.fails(homelab.E_ROUTE_NONE, router:route(code, { needs = "vision" }))
    check.equal(router:route(code, { endpoint = "b/y", model = "chat:7b" }):eligible(), 1)
    check.equal(router:route(code, { task = "embed" }):model(0), "nomic-embed-text")
    check.equal(router:route(code, { tag = "bot", affinity = "k" }):task_source(), "rule")
    check.equal(router:route(code, { context_tokens = 77, answer_tokens = 7 }):context(), 77)
    check.equal(router:route('{"input":"x"}', { kind = "openai_embeddings" }):task(), homelab.TASK_EMBED)
    check.fails(homelab.E_ROUTE_NONE, router:route(code, { needs = { "vision", "tools", "vision" } }))
    check.fails(homelab.E_SYNTAX, router:route("{", { kind = "openai_chat" }))
    check.fails(homelab.E_LIMIT, router:route(code, { tag = ("x"):rep(200) }))
    local request = assert(homelab.request({ endpoint = "b/y" }))
    check.equal(router:route(code, request):endpoint(0), "b/y")
    for _, wrong in ipairs({ { kind = "x" }, { task = "x" }, { needs = { "x" } }, { needs = "x" }, { nonsense = 1 } }) do
        check.raises("found '", router.route, router, code, wrong)
    end
end

local function test_ask()
    local inventory = assert(homelab.inventory(os.getenv("HOMELAB_INVENTORY")))
    local ctx = assert(homelab.context())
    local prober = assert(ctx:prober(inventory))
    assert(prober:check_now(60000))
    local router = assert(homelab.router(inventory, assert(prober:snapshot())))
    local op = assert(router:ask(ctx, "hello", { endpoint = "local/ollama" }))
    check.fails(homelab.E_PENDING, op:reply())
    local pieces = {}
    for event in ctx:events(-1) do
        if event:op() == op and event:type() == homelab.EVENT_ANSWER then
            check.equal(#event:data(), event:data_length())
            pieces[#pieces + 1] = event:data()
        elseif event:op() == op and event:type() == homelab.EVENT_OP_DONE then
            break
        end
    end
    check.equal(table.concat(pieces), "Hello from the simulated endpoint local/ollama.")
    check.equal(#pieces > 3, true)
    check.equal(assert(op:reply()):status(), 200)
    -- A text goes as a whole, also one with a NUL.
    local small = assert(homelab.context({ router = { max_request_bytes = 1024 } }))
    check.fails(homelab.E_LIMIT, router:ask(small, "a\0" .. ("b"):rep(1023)))
    assert(router:ask(small, "a\0" .. ("b"):rep(1022)))
    -- Not streamed: the reply has it.
    op = assert(router:ask(ctx, '{"messages":[{"role":"user","content":"hi"}],"stream":false}',
        { kind = "ollama_chat", endpoint = "local/ollama" }))
    while not op:is_done() do
        assert(ctx:wait(1000))
        for _ in ctx:events() do end -- taken, so that it waits for the next ones
    end
    local reply = assert(op:reply())
    check.equal(tostring(reply), "Hello from the simulated endpoint local/ollama.")
    check.equal(#reply:body(), reply:body_length())
    check.fails(homelab.E_ROUTE_NONE, router:ask(ctx, "hello", { task = "embed" }))
end

test_gguf()
test_estimate()
test_plan()
test_classify()
test_route()
test_ask()
