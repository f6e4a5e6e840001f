-- Which models go on which GPU: a plan from an inventory, with the reasons. LuaJIT, Lua 5.1 to 5.4:
--
--     lua plan.lua inventory.yaml [MODEL=FILE.gguf …]
local homelab = require("homelab")

local function die(message)
    io.stderr:write(message, "\n")
    os.exit(1)
end

-- What fails returns nil and one line that says why.
local function must(value, message)
    return value or die(message)
end

local path = arg[1] or die("usage: plan.lua INVENTORY [MODEL=FILE.gguf …]")
local planner = must(homelab.planner(must(homelab.inventory(path))))
for i = 2, #arg do
    local model, file = arg[i]:match("^(.-)=(.+)$")
    if not model then
        die("found '" .. arg[i] .. "', expected MODEL=FILE.gguf")
    end
    must(planner:set_header(model, must(homelab.gguf(file))))
end

local plan = must(planner:plan())
for i = 0, plan:model_count() - 1 do
    print(("%s: %s"):format(plan:model_name(i), plan:model_why(i)))
end
print(plan)
