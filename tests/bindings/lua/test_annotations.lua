-- The annotations name all that the modules have, and nothing else.
local core = require("homelab.core")
local homelab = require("homelab")

local folder = assert(os.getenv("HOMELAB_LIBRARY"))

-- Names that a file defines: "core.OK", "Ctx:close", "core.Ctx.new".
local function named(file)
    local found = {}
    for line in io.lines(folder .. "/" .. file) do
        local name = line:match("^function ([%w_.:]+)%(") or line:match("^(%w+[.][%w_.]+) = ")
        if name then
            assert(not found[name], file .. ": twice: " .. name)
            found[name] = true
        end
    end
    assert(loadfile(folder .. "/" .. file))
    return found
end

local problems = {}

local function compare(what, there, described)
    for name in pairs(there) do
        if not described[name] then
            problems[#problems + 1] = ("%s: no annotation of %s"):format(what, name)
        end
    end
    for name in pairs(described) do
        if not there[name] then
            problems[#problems + 1] = ("%s: an annotation of %s, which is not there"):format(what, name)
        end
    end
end

-- The C module.
local there = { ["Object:release"] = true }
for name, value in pairs(core) do
    if name ~= "classes" then
        there["core." .. name] = true
        for member in pairs(type(value) == "table" and value or {}) do
            there["core." .. name .. "." .. member] = true
        end
    end
end
local generated, written = named("homelab/core.lua"), named("homelab.lua")
local added = { ["homelab.options"] = true }
for name, class in pairs(core.classes) do
    for member in pairs(class.__index) do
        local full = name .. ":" .. member
        if member ~= "release" then
            there[full] = generated[full] or nil
            added[full] = (not generated[full] or written[full]) and true or nil
        end
    end
end
compare("homelab.core", there, generated)

-- What the Lua sources add.
for name in pairs(homelab) do
    if core[name] == nil then
        added["homelab." .. name] = true
    end
end
package.preload["luv"] = package.preload["luv"] or function()
    return {}
end
for name in pairs(require("homelab.uv")) do
    added["uv." .. name] = true
end
rawset(_G, "ngx", rawget(_G, "ngx") or {})
for name in pairs(require("homelab.ngx")) do
    added["ngx." .. name] = true
end
for _, name in ipairs({ "Loop:check", "Loop:close", "Monitor:snapshot", "Monitor:check", "Monitor:close" }) do
    added[name] = true
end
compare("homelab", added, written)

assert(#problems == 0, table.concat(problems, "\n"))
