-- Numbers, texts, options, errors and tables: what goes in and what comes out.
local check = require("check")
local homelab = require("homelab")

local function test_versions()
    check.equal(homelab.version(), homelab.VERSION)
    check.equal(homelab.version_number(), homelab.VERSION_NUMBER)
    check.equal(rawget(_G, "swig_type"), nil, "global of SWIG")
    check.equal(rawget(_G, "swig_equals"), nil, "global of SWIG")
    check.equal(rawget(_G, "homelab"), nil, "global")
    check.equal(package.loaded["homelab.core"].OK, 0)
end

local function test_integers()
    local opts = assert(homelab.options())
    -- Taken whole, and refused by the library for the option's range.
    for _, value in ipairs({ 9007199254740992, -9007199254740992, "9223372036854775807", "-9223372036854775808" }) do
        check.fails(homelab.E_OPTION_VALUE, opts:set_int("log.ring", value))
    end
    check.equal(opts:set_int("log.ring", "77"), true)
    check.equal(opts:get_int("log.ring"), 77)
    check.equal(opts:set_int("log.ring", 12.0), true)
    check.equal(opts:get_int("log.ring"), 12)
    for _, wrong in ipairs({ 1.5, 1e300, -1e300, 0 / 0, 1 / 0, "12x", "", "-", "1.5", "9223372036854775808" }) do
        check.raises("expected an integer", opts.set_int, opts, "log.ring", wrong)
    end
    check.raises("expected 0 to 4294967295, found -1", homelab.context().dispatch, homelab.context(), -1)
    check.raises("expected 0 to", homelab.option_key, -1)
    check.raises("-2147483648 to 2147483647", homelab.verdict_name, 2 ^ 31)
    -- JSON with a number that a double does not hold.
    local decoded = homelab.decode("[9007199254740993, 4, -0.5]")
    check.equal(tostring(decoded[1]), "9007199254740993")
    check.equal(math.type and math.type(decoded[1]) or type(decoded[1]), math.type and "integer" or "string")
    check.equal(decoded[2] + 1, 5)
    check.equal(decoded[3], -0.5)
end

local function test_booleans_and_doubles()
    local opts = homelab.options()
    check.equal(opts:set_bool("http.insecure", true), true)
    check.equal(opts:get_bool("http.insecure"), true)
    check.raises("expected a boolean, found number", opts.set_bool, opts, "http.insecure", 1)
    check.equal(opts:set_double("health.jitter", 0.25), true)
    check.equal(opts:get_double("health.jitter"), 0.25)
    check.raises("expected a number, found string", opts.set_double, opts, "health.jitter", "0.25")
end

local function test_texts()
    local opts = homelab.options()
    for _, text in ipairs({ "é", "€", "𐍈", "", "\127" }) do
        check.equal(opts:set_string("http.proxy", text), true)
        check.equal(opts:get_string("http.proxy"), text)
    end
    for _, text in ipairs({ "\128", "a\192\175", "\237\160\128", "\244\144\128\128", "\226\130", "a\0b", "\255" }) do
        check.fails(homelab.E_UTF8, opts:set_string("http.proxy", text))
    end
    local _, message = opts:set_string("http.proxy", "ab\255")
    check.equal(message, "argument 3: expected UTF-8 text, found byte 0xff at position 3")
    check.raises("expected a string, found number", opts.set_string, opts, "http.proxy", 5)
    -- A text with a length goes through whole; the library says what is wrong with it.
    check.fails(homelab.E_SYNTAX, homelab.snapshot("{\0}"))
    local inventory, _, code = homelab.inventory({ text = "tiers: \255", format = "yaml" })
    check.equal(inventory, nil)
    assert(code == homelab.E_UTF8 or code == homelab.E_SYNTAX, code)
end

local function test_options()
    local opts = assert(homelab.options({
        ["log.ring"] = 7,
        health = { jitter = 0.5, rise = 3 },
        http = { insecure = true, proxy = "http://p:1" },
    }))
    check.equal(opts:get_int("log.ring"), 7)
    check.equal(opts:get_double("health.jitter"), 0.5)
    check.equal(opts:get_int("health.rise"), 3)
    check.equal(opts:get_bool("http.insecure"), true)
    check.equal(opts:get_string("http.proxy"), "http://p:1")
    local nothing, message, code, subject = homelab.context({ log = { rung = 1 } })
    check.equal(nothing, nil)
    check.equal(message, "option 'log.rung': unknown, nearest is 'log.ring'")
    check.equal(code, homelab.E_OPTION_UNKNOWN)
    check.equal(subject, "log.rung")
    check.fails(homelab.E_OPTION_VALUE, homelab.options({ ["log.ring"] = "many" }))
    check.fails(homelab.E_OPTION_VALUE, homelab.options({ ["log.ring"] = 0.5 }))
    check.fails(homelab.E_OPTION_VALUE, homelab.options({ ["log.ring"] = -1 }))
    check.raises("expected a boolean, number or text", homelab.options, { ["log.ring"] = print })
    local itself = {}
    itself.health = itself
    check.raises("nested too deeply", homelab.options, itself)
    check.raises("expected keys that are strings", homelab.options, { 1 })
    check.equal(#homelab.option_table(), homelab.option_count())
    for _, option in ipairs(homelab.option_table()) do
        assert(option.key and option.type and option.default and option.text and option.since, option.key)
    end
end

local function test_errors()
    local nothing, message, code, subject, detail = homelab.inventory("/nonexistent.yaml")
    check.equal(nothing, nil)
    check.equal(message, "/nonexistent.yaml: cannot be opened: No such file or directory")
    check.equal(code, homelab.E_SYSTEM)
    check.equal(homelab.error_name(code), "HOMELAB_E_SYSTEM")
    check.equal(subject, "/nonexistent.yaml")
    check.equal(detail, 2)
    -- A failure does not stick to what is asked next.
    check.equal(homelab.option_key(100000), nil)
    check.equal(select("#", homelab.option_key(100000)), 1)
    check.equal(homelab.backend_from_name("ollama"), homelab.BACKEND_OLLAMA)
    check.fails(homelab.E_NOT_FOUND, homelab.inventory(check.inventory):endpoint_find("none"))
    check.raises("expected json, yaml or auto, found toml", homelab.inventory, { text = "", format = "toml" })
    check.equal(homelab.error_is_timeout(homelab.E_TIMEOUT), true)
end

local function test_inventory()
    local inventory = assert(homelab.inventory(check.inventory))
    check.equal(tostring(inventory), "inventory: 2 endpoints, 0 nodes")
    check.equal(inventory:endpoint_id(inventory:endpoint_find("remote/llama")), "remote/llama")
    check.equal(inventory:endpoint_id(2), nil)
    local text = assert(inventory:write(homelab.FORMAT_YAML))
    check.equal(homelab.inventory({ text = text, format = "yaml" }):write(homelab.FORMAT_YAML), text)
    local report = assert(homelab.report({ text = "tiers: {local: {colour: red}}", format = "yaml", name = "mine" }))
    assert(report:count() > 0)
    check.equal(tostring(report):match("^mine:1:"), "mine:1:")
    local builder = assert(homelab.builder())
    check.equal(builder:set_string("endpoints", "a/b", "url", "http://127.0.0.1:1"), true)
    check.equal(builder:set_number("endpoints", "a/b", "timeout", 2), true)
    check.fails(homelab.E_NOT_FOUND, builder:remove("endpoints", "none"))
    local again = assert(homelab.builder(inventory)):build()
    check.equal(again:endpoint_count(), 2)
end

local function test_snapshot()
    local inventory = assert(homelab.inventory(check.inventory))
    local snapshot = assert(homelab.assume(inventory))
    local data = assert(snapshot:to_table())
    check.equal(#data.endpoints, snapshot:endpoint_count())
    check.equal(data.endpoints[1].id, snapshot:endpoint_id(0))
    check.equal(data.endpoints[1].verdict, homelab.verdict_name(snapshot:endpoint_verdict(0)))
    check.equal(data.prognosis.text, snapshot:text())
    check.equal(tostring(snapshot), "HEALTHY: " .. snapshot:text())
    local parsed = assert(homelab.snapshot(assert(snapshot:json())))
    check.equal(parsed:json(), snapshot:json())
    local without = assert(snapshot:without("local/ollama"))
    check.equal(without:endpoint_verdict(0), homelab.VERDICT_DOWN)
    check.fails(homelab.E_NOT_FOUND, snapshot:without("nobody"))
    check.fails(homelab.E_SYNTAX, homelab.decode("[1"))
    check.fails(homelab.E_SYNTAX, homelab.decode("[1]\0"))
    check.raises("nested deeper", homelab.decode, ("["):rep(100) .. ("]"):rep(100))
    assert(snapshot:prometheus():find("homelab_", 1, true))
end

test_versions()
test_integers()
test_booleans_and_doubles()
test_texts()
test_options()
test_errors()
test_inventory()
test_snapshot()
