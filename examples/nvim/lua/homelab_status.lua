-- The state of the cluster in Neovim's status line, from libuv's loop: nothing blocks, nothing is asked while drawing.
--
--     require("homelab_status").setup({ inventory = "~/.config/homelab/cluster.yaml" })
--     vim.o.statusline = "%f %m %= %{%v:lua.require'homelab_status'.line()%} "
local uv = require("homelab.uv")

local status = {}

-- Verdict to symbol and highlight group.
local LOOKS = {
    HEALTHY = { "●", "DiagnosticOk" },
    DEGRADED = { "◐", "DiagnosticWarn" },
    DOWN = { "○", "DiagnosticError" },
    UNKNOWN = { "·", "Comment" },
}

local monitor
local text = ""

-- A percent sign would be an item of the status line.
local function plain(words)
    return (words:gsub("%%", "%%%%"))
end

local function show(snapshot)
    local data = assert(snapshot:to_table())
    local usable = 0
    for _, endpoint in ipairs(data.endpoints) do
        if endpoint.verdict == "HEALTHY" or endpoint.verdict == "DEGRADED" or endpoint.verdict == "BUSY" then
            usable = usable + 1
        end
    end
    local look = LOOKS[data.prognosis.verdict] or LOOKS.UNKNOWN
    local group = vim.fn.hlexists(look[2]) == 1 and look[2] or "StatusLine"
    local words = ("%s cluster %d/%d"):format(look[1], usable, #data.endpoints)
    if #data.prognosis.lost > 0 then
        words = words .. " lost " .. table.concat(data.prognosis.lost, ",")
    end
    text = ("%%#%s#%s%%*"):format(group, plain(words))
    vim.cmd("redrawstatus!")
end

--- What the status line shows; "" before the first look.
function status.line()
    return text
end

--- A window with the whole state.
function status.open()
    local snapshot = monitor and monitor:snapshot()
    if not snapshot then
        return vim.notify("homelab: no cluster is monitored", vim.log.levels.WARN)
    end
    local lines = { tostring(snapshot), "" }
    for _, endpoint in ipairs(snapshot:to_table().endpoints) do
        lines[#lines + 1] = ("%-20s %-13s %s"):format(endpoint.id, endpoint.verdict, endpoint.text)
    end
    local buffer = vim.api.nvim_create_buf(false, true)
    vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
    vim.bo[buffer].bufhidden = "wipe"
    vim.bo[buffer].modifiable = false
    vim.cmd("belowright 12split")
    vim.api.nvim_win_set_buf(0, buffer)
end

--- Begins to monitor; settings as for require("homelab.uv").monitor(). Called again it starts anew.
function status.setup(settings)
    status.close()
    local message
    monitor, message = uv.monitor({
        inventory = type(settings.inventory) == "string" and vim.fn.expand(settings.inventory) or settings.inventory,
        options = settings.options,
        -- Callbacks run on the loop, where Neovim's functions may not be called.
        on_change = vim.schedule_wrap(function(snapshot)
            if monitor then
                show(snapshot)
            end
        end),
    })
    if not monitor then
        vim.notify("homelab: " .. message, vim.log.levels.ERROR)
    end
    return monitor ~= nil
end

--- Ends monitoring; Neovim's end does it too.
function status.close()
    if monitor then
        monitor:close()
    end
    monitor, text = nil, ""
end

return status
