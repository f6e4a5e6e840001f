-- Clocks every call into the C module: wall time, this thread's CPU time, and how long it held the worker, which is wall time
-- (waiting counts) but for calls in which the kernel gave the processor to others: of those it is CPU time. To be loaded before
-- anything else has taken functions of the module.
local ffi = require("ffi")
ffi.cdef([[
struct hl_timespec { long seconds; long nanoseconds; };
int clock_gettime(int clock, struct hl_timespec *now);
struct hl_rusage { long times[4], others[12], voluntary, involuntary; };
int getrusage(int who, struct hl_rusage *usage);
]])
local MONOTONIC, THREAD_CPU, THREAD_USAGE = 1, 3, 1

local core = require("homelab.core")
local clock = { calls = {} }
local now = ffi.new("struct hl_timespec")
local usage = ffi.new("struct hl_rusage")

local function microseconds(which)
    ffi.C.clock_gettime(which, now)
    return tonumber(now.seconds) * 1e6 + tonumber(now.nanoseconds) / 1e3
end

local function preemptions()
    ffi.C.getrusage(THREAD_USAGE, usage)
    return tonumber(usage.involuntary)
end

local function finish(call, before, wall, cpu, ...)
    cpu, wall = microseconds(THREAD_CPU) - cpu, microseconds(MONOTONIC) - wall
    local preempted = preemptions() > before
    call.count = call.count + 1
    call.sum_us = call.sum_us + wall
    call.wall_us = math.max(call.wall_us, wall)
    call.cpu_us = math.max(call.cpu_us, cpu)
    call.held_us = math.max(call.held_us, preempted and cpu or wall)
    call.preempted = call.preempted + (preempted and 1 or 0)
    return ...
end

local function cleared(call)
    call.count, call.sum_us, call.wall_us, call.cpu_us, call.held_us, call.preempted = 0, 0, 0, 0, 0, 0
    return call
end

local function clocked(name, fn)
    local call = cleared({})
    clock.calls[name] = call
    return function(...)
        local before, wall, cpu = preemptions(), microseconds(MONOTONIC), microseconds(THREAD_CPU)
        return finish(call, before, wall, cpu, fn(...))
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
            lines[#lines + 1] = ("%s count=%d mean_us=%.1f wall_us=%.1f cpu_us=%.1f held_us=%.1f preempted=%d"):format(name,
                call.count, call.sum_us / call.count, call.wall_us, call.cpu_us, call.held_us, call.preempted)
        end
    end
    table.sort(lines)
    return table.concat(lines, "\n")
end

--- Counts from 0 again.
function clock.reset()
    for _, call in pairs(clock.calls) do
        cleared(call)
    end
end

return clock
