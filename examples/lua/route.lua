-- Says for each line of input which model on which endpoint would answer it, what comes next, and why not the others. LuaJIT,
-- Lua 5.1 to 5.4:
--
--     echo "sort a list in C" | lua route.lua inventory.yaml
local homelab = require("homelab")

local function die(message)
    io.stderr:write(message, "\n")
    os.exit(1)
end

-- What fails returns nil and one line that says why.
local function must(value, message)
    return value or die(message)
end

local path = arg[1] or die("usage: route.lua INVENTORY")
local inventory = must(homelab.inventory(path))
local prober = must(must(homelab.context()):prober(inventory))
must(prober:check_now(60000))
local router = must(homelab.router(inventory, must(prober:snapshot())))

for line in io.lines() do
    local decision, message = router:route(line)
    print(decision or message)
    if decision then
        local told = decision:to_table()
        for _, candidate in ipairs(told.candidates) do
            print(("  %3.0f %%  %s at %s"):format(100 * candidate.weight, candidate.model, candidate.url))
        end
        for _, rejected in ipairs(told.rejected) do
            print(("   -    %s at %s: %s"):format(rejected.model, rejected.endpoint, rejected.why))
        end
    end
end
