-- Asks the right model and prints its answer as it comes; the next candidate takes over if the first one fails before it said
-- anything. LuaJIT, Lua 5.1 to 5.4:
--
--     lua ask.lua inventory.yaml "Why is the sky blue?"
local homelab = require("homelab")

local function die(message)
    io.stderr:write(message, "\n")
    os.exit(1)
end

-- What fails returns nil and one line that says why.
local function must(value, message)
    return value or die(message)
end

if #arg ~= 2 then
    die("usage: ask.lua INVENTORY TEXT")
end
local inventory = must(homelab.inventory(arg[1]))
local ctx = must(homelab.context())
local prober = must(ctx:prober(inventory))
must(prober:check_now(60000))
local router = must(homelab.router(inventory, must(prober:snapshot())))

local op = must(router:ask(ctx, arg[2]))
for event in ctx:events(-1) do
    if event:op() == op and event:type() == homelab.EVENT_ANSWER then
        io.write(event:data())
        io.flush()
    elseif event:op() == op and event:type() == homelab.EVENT_OP_DONE then
        break
    end
end
print()
if op:result() ~= homelab.OK then
    die(op:message())
end
local reply = must(op:reply())
io.stderr:write(("[%s on %s]\n"):format(reply:model(), reply:endpoint()))
