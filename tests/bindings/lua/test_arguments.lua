-- nil and values of the wrong type for every argument of every function: an error of Lua each time, and no crash. The list of
-- functions comes from the headers (signatures.py).
local check = require("check")
local homelab = require("homelab")
local core = require("homelab.core")

local functions = dofile(assert(os.getenv("HOMELAB_SIGNATURES")))
local inventory = assert(homelab.inventory(check.inventory))
local ctx = assert(homelab.context())
local prober = assert(ctx:prober(inventory))

-- An object of each class that can be made here; for the others only wrong values can be told apart.
local objects = {
    Ctx = ctx,
    Prober = prober,
    Op = assert(prober:check()),
    Inventory = inventory,
    Snapshot = assert(homelab.assume(inventory)),
    Opts = assert(homelab.options()),
    Builder = assert(homelab.builder()),
    Report = assert(homelab.report(check.inventory)),
    Event = assert(ctx:events(20000)()),
}
local released = {}
released.Snapshot = homelab.assume(inventory)
released.Inventory = assert(homelab.inventory(check.inventory))
released.Opts = homelab.options()
released.Ctx = homelab.context()
for _, object in pairs(released) do
    object:release()
end

local function nothing() end

-- One of each type of Lua; a light userdata is what some hosts have for null.
local values = {
    { "boolean", true },
    { "number", 7 },
    { "string", "text" },
    { "table", {} },
    { "function", nothing },
    { "thread", coroutine.create(nothing) },
    { "userdata", io.stdout },
    { "light userdata", debug.upvalueid and debug.upvalueid(check.fails, 1) },
}

local samples = { integer = 0, string = "x", number = 0.5, boolean = true, ["function"] = nothing }

local function sample(argument)
    if argument.kind == "object" then
        return objects[argument.class]
    end
    return samples[argument.kind]
end

local fits = { integer = "number", number = "number", string = "string", boolean = "boolean", ["function"] = "function" }

-- The wrong values of an argument: {what, value}.
local function wrong_values(argument)
    local wrong = {}
    for _, pair in ipairs(values) do
        if fits[argument.kind] ~= pair[1] and pair[2] ~= nil then
            wrong[#wrong + 1] = pair
        end
    end
    if argument.kind == "integer" then
        for _, value in ipairs({ 0.5, 1e300, 0 / 0, argument.below or 0.5, argument.above or 0.5 }) do
            wrong[#wrong + 1] = { "number " .. tostring(value), value }
        end
    elseif argument.kind == "object" then
        for class, object in pairs(objects) do
            if class ~= argument.class then
                wrong[#wrong + 1] = { class, object }
            end
        end
        wrong[#wrong + 1] = released[argument.class] and { "released object", released[argument.class] } or nil
    end
    return wrong
end

local calls = 0

-- The call with one argument replaced raises an error; without a place it must be about that argument.
local function refused(one, fn, arguments, place, what, value, anywhere)
    local given = {}
    for i, argument in ipairs(arguments) do
        given[i] = sample(argument)
    end
    given[place] = value
    local fine, message = pcall(fn, (unpack or table.unpack)(given, 1, #arguments))
    calls = calls + 1
    local told = not fine and (anywhere or tostring(message):find("#" .. place .. " to", 1, true))
    if not told then
        error(("%s: argument %d (%s): %s: found %s, expected an error about it"):format(one.symbol, place,
            arguments[place].name, what, fine and "none" or message), 0)
    end
end

local function check_text(fn, arguments, place)
    local given = {}
    for i, argument in ipairs(arguments) do
        given[i] = sample(argument)
        if given[i] == nil and not argument.optional then
            return
        end
    end
    given[place] = "a\255"
    check.fails(homelab.E_UTF8, fn((unpack or table.unpack)(given, 1, #arguments)))
end

local function check_function(one)
    local fn, arguments
    if one.method then
        fn = assert(core.classes[one.class], one.class).__index[one.name]
        arguments = { { name = "self", kind = "object", class = one.class } }
    else
        fn = (one.class and core[one.class] or core)[one.name]
        arguments = {}
    end
    assert(fn, one.symbol .. ": not in the module")
    for _, argument in ipairs(one.arguments) do
        arguments[#arguments + 1] = argument
    end
    local required, complete = 0, true
    for _, argument in ipairs(arguments) do
        complete = complete and (argument.optional or sample(argument) ~= nil)
    end
    for place, argument in ipairs(arguments) do
        if not argument.optional then
            required = required + 1
            refused(one, fn, arguments, place, "nil", nil, true)
        end
        for _, wrong in ipairs(wrong_values(argument)) do
            refused(one, fn, arguments, place, wrong[1], wrong[2], not complete)
        end
        if argument.kind == "string" and not argument.whole then
            check_text(fn, arguments, place)
        end
    end
    if required > 0 then
        check.raises("", fn)
    end
    local many = {}
    for i = 1, #arguments + 3 do
        many[i] = io.stdout
    end
    check.raises("", fn, (unpack or table.unpack)(many))
end

for _, one in ipairs(functions) do
    check_function(one)
end
for _, name in ipairs(functions.constants) do
    assert(homelab[name] ~= nil, name)
end
assert(#functions > 150 and calls > 2000, ("only %d functions, %d calls"):format(#functions, calls))
ctx:close()
