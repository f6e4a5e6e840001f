-- Sends what is selected to the model that suits it, and streams the answer into a split. Nothing blocks: the cluster is
-- monitored and the answer read on libuv's loop.
--
--     require("homelab_ask").setup({ inventory = "~/.config/homelab/cluster.yaml" })
--     :'<,'>HomelabAsk explain this
local homelab = require("homelab")
local uv = require("homelab.uv")

local ask = {}

local monitor, router, request
local answers = {} -- by operation, as text of its address: buffer and title

local function warn(message)
    vim.notify("homelab: " .. message, vim.log.levels.WARN)
end

local function find(op)
    for _, answer in ipairs(answers) do
        if answer.op == op then
            return answer
        end
    end
end

-- Appends to the last line of a buffer, which may be gone by now.
local function append(buffer, text)
    if not vim.api.nvim_buf_is_valid(buffer) then
        return false
    end
    local last = vim.api.nvim_buf_line_count(buffer)
    local line = vim.api.nvim_buf_get_lines(buffer, last - 1, last, false)[1]
    vim.api.nvim_buf_set_lines(buffer, last - 1, last, false, vim.split(line .. text, "\n", { plain = true }))
    return true
end

local function open_split()
    local buffer = vim.api.nvim_create_buf(false, true)
    vim.bo[buffer].bufhidden = "wipe"
    vim.bo[buffer].filetype = "markdown"
    vim.cmd("botright 15split")
    vim.api.nvim_win_set_buf(0, buffer)
    vim.wo.wrap = true
    return buffer
end

local function on_piece(op, text)
    local answer = find(op)
    -- Whoever closes the window wants no more of it.
    if answer and not append(answer.buffer, text) then
        op:cancel()
    end
end

local function on_end(op, result, message)
    for i, answer in ipairs(answers) do
        if answer.op == op then
            table.remove(answers, i)
            if result ~= homelab.OK and result ~= homelab.E_CANCELLED then
                append(answer.buffer, "\n[" .. message .. "]")
            end
            ask.last = { result = result, buffer = answer.buffer, message = message }
            return
        end
    end
end

-- Callbacks run on the loop, where Neovim's functions may not be called.
local function on_event(event)
    local kind, op = event:type(), event:op()
    if kind == homelab.EVENT_ANSWER then
        local text = event:data()
        vim.schedule(function()
            on_piece(op, text)
        end)
    elseif kind == homelab.EVENT_OP_DONE then
        local result, message = event:after(), event:text()
        vim.schedule(function()
            on_end(op, result, message)
        end)
    end
end

--- Asks about a text; the answer streams into a split. question may be nil.
function ask.text(text, question)
    if not router then
        return warn("call setup() first")
    end
    if question and question ~= "" then
        text = question .. "\n\n" .. text
    end
    local op, message = router:send(monitor.ctx, request, text, 0)
    if not op then
        return warn(message)
    end
    answers[#answers + 1] = { op = op, buffer = open_split() }
    return op
end

--- Lines of the present buffer, both included, from 1.
function ask.range(first, last, question)
    return ask.text(table.concat(vim.api.nvim_buf_get_lines(0, first - 1, last, false), "\n"), question)
end

--- Begins to monitor the cluster. settings: inventory, options.
function ask.setup(settings)
    ask.close()
    local inventory, message = homelab.inventory(vim.fn.expand(settings.inventory), settings.options)
    if not inventory then
        return warn(message)
    end
    router, message = homelab.Router.new(inventory, nil, nil)
    if not router then
        return warn(message)
    end
    request = assert(homelab.Request.new())
    monitor, message = uv.monitor({
        inventory = inventory,
        options = settings.options,
        on_event = on_event,
        on_change = function(snapshot)
            router:update(nil, snapshot)
            ask.ready = true
        end,
    })
    return monitor ~= nil or warn(message)
end

function ask.close()
    if monitor then
        monitor:close()
    end
    monitor, router, request, answers, ask.ready = nil, nil, nil, {}, false
end

return ask
