--- What the tests share: comparisons that tell what was found.
local check = {}

local function shown(value)
    return type(value) == "string" and ("%q"):format(value) or tostring(value)
end

function check.equal(found, expected, what)
    if found ~= expected then
        error(("%sfound %s, expected %s"):format(what and what .. ": " or "", shown(found), shown(expected)), 2)
    end
end

--- The call raises an error whose text contains a text.
function check.raises(part, fn, ...)
    local fine, message = pcall(fn, ...)
    if fine or not tostring(message):find(part, 1, true) then
        error(("found %s, expected an error with %q"):format(fine and "none" or shown(message), part), 2)
    end
end

--- The results are those of a failure: nil, a message and this code.
function check.fails(code, ...)
    local found, message, found_code = ...
    if found ~= nil or type(message) ~= "string" or #message == 0 or found_code ~= code then
        error(("found %s, %s, %s, expected a failure with code %s"):format(shown(found), shown(message),
            shown(found_code), shown(code)), 2)
    end
end

--- Memory of this process in KiB.
function check.memory()
    local file = assert(io.open("/proc/self/statm"))
    local pages = file:read("*a"):match("^%d+ (%d+)")
    file:close()
    return tonumber(pages) * 4
end

function check.collect()
    for _ = 1, 3 do
        collectgarbage("collect")
    end
end

check.inventory = os.getenv("HOMELAB_INVENTORY")

return check
