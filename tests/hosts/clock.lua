-- Clocks every call into the C module by wall time and by this thread's CPU time. Preemption lengthens the first, not the
-- second. To be loaded before anything else has taken functions of the module.
local ffi = require("ffi")
ffi.cdef([[
struct hl_timespec { long seconds; long nanoseconds; };
int clock_gettime(int clock, struct hl_timespec *now);
]])
local MONOTONIC, THREAD_CPU = 1, 3

local core = require("homelab.core")
local clock = { calls = {} }
local now = ffi.new("struct hl_timespec")

local function microseconds(which)
    ffi.C.clock_gettime(which, now)
    return tonumber(now.seconds) * 1e6 + tonumber(now.nanoseconds) / 1e3
end

local function finish(call, wall, cpu, ...)
    cpu, wall = microseconds(THREAD_CPU) - cpu, microseconds(MONOTONIC) - wall
    call.count = call.count + 1
    call.sum_us = call.sum_us + wall
    call.wall_us = math.max(call.wall_us, wall)
    call.cpu_us = math.max(call.cpu_us, cpu)
    return ...
end

local function clocked(name, fn)
    local call = { count = 0, sum_us = 0, wall_us = 0, cpu_us = 0 }
    clock.calls[name] = call
    return function(...)
        local wall, cpu = microseconds(MONOTONIC), microseconds(THREAD_CPU)
        return finish(call, wall, cpu, fn(...))
    end
end

local function clock_functions(prefix, functions)
    for name, fn in pairs(functions) do
        if type(fn) == "function" then
            functions[name] = clocked(prefix .. name, fn)
        end
    end
end

clock_functions("", core)
for name, value in pairs(core) do
    if type(value) == "table" and name ~= "classes" then
        clock_functions(name .. ".", value)
    end
end
for name, class in pairs(core.classes) do
    clock_functions(name .. ":", class.__index)
end

--- One line per function that was called.
function clock.report()
    local lines = {}
    for name, call in pairs(clock.calls) do
        if call.count > 0 then
            lines[#lines + 1] = ("%s count=%d mean_us=%.1f wall_us=%.1f cpu_us=%.1f"):format(name, call.count,
                call.sum_us / call.count, call.wall_us, call.cpu_us)
        end
    end
    table.sort(lines)
    return table.concat(lines, "\n")
end

--- Counts from 0 again.
function clock.reset()
    for _, call in pairs(clock.calls) do
        call.count, call.sum_us, call.wall_us, call.cpu_us = 0, 0, 0, 0
    end
end

return clock
