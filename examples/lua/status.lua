-- Looks at a cluster once and says what it can do right now. LuaJIT, Lua 5.1 to 5.4:
--
--     lua status.lua inventory.yaml
local homelab = require("homelab")

local function die(message)
    io.stderr:write(message, "\n")
    os.exit(1)
end

-- What fails returns nil and one line that says why.
local function must(value, message)
    return value or die(message)
end

local path = arg[1] or die("usage: status.lua INVENTORY")
local inventory = must(homelab.inventory(path))
local ctx = must(homelab.context())
local prober = must(ctx:prober(inventory))

-- A sweep ends with its slowest endpoint; the minute is only a last resort.
must(prober:check_now(60000))

local snapshot = must(prober:snapshot())
for _, endpoint in ipairs(snapshot:to_table().endpoints) do
    print(("%-20s %-13s %s"):format(endpoint.id, endpoint.verdict, endpoint.text))
end
print(snapshot)
