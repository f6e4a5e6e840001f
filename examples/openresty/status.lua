-- The pages of nginx.conf. They read the snapshot that worker 0 publishes; nothing here waits for the cluster.
local homelab = require("homelab")
local monitor = require("homelab.ngx")

local status = {}

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

local function escape(text)
    return (tostring(text):gsub('[&<>"]', ENTITIES))
end

-- How a verdict looks: good, worth a look, or bad.
local TONES = {
    HEALTHY = "good",
    BUSY = "fair",
    LOADING = "fair",
    DEGRADED = "fair",
    UNKNOWN = "idle",
    MISCONFIGURED = "bad",
    WEDGED = "bad",
    DOWN = "bad",
}

local CAPABILITIES = { "code", "reason", "chat", "vision", "fast", "embed" }

local STYLE = [[
:root { color-scheme: light dark; --back: #f4f5f7; --card: #fff; --line: #e1e4ea; --text: #1b2230; --soft: #5f6b7e;
  --good: #1a7f4b; --good-back: #e2f5ea; --fair: #975a00; --fair-back: #fdf1dc; --bad: #b3261e; --bad-back: #fce8e6;
  --idle: #5f6b7e; --idle-back: #e9ecf1; }
@media (prefers-color-scheme: dark) { :root { --back: #12161d; --card: #1b212b; --line: #2c3442; --text: #e7ebf2;
  --soft: #97a3b6; --good: #5ed39a; --good-back: #16352a; --fair: #f2bb64; --fair-back: #3a2c12; --bad: #ff8b80;
  --bad-back: #42201e; --idle: #97a3b6; --idle-back: #283040; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 2rem 1.25rem 3rem; }
h1 { font-size: 1.05rem; font-weight: 600; color: var(--soft); margin: 0 0 1rem; }
h2 { font-size: .8rem; font-weight: 600; letter-spacing: .06em; text-transform: uppercase; color: var(--soft);
  margin: 2rem 0 .6rem; }
.good { --tone: var(--good); --tone-back: var(--good-back); } .fair { --tone: var(--fair); --tone-back: var(--fair-back); }
.bad { --tone: var(--bad); --tone-back: var(--bad-back); } .idle { --tone: var(--idle); --tone-back: var(--idle-back); }
.head { background: var(--tone-back); border-left: .4rem solid var(--tone); border-radius: .6rem; padding: 1.1rem 1.4rem; }
.head strong { display: block; font-size: 1.5rem; line-height: 1.3; color: var(--tone); }
.tiers { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: .8rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem; }
.card b { display: flex; justify-content: space-between; align-items: center; gap: .5rem; }
.card p { margin: .35rem 0 0; color: var(--soft); font-size: .87rem; overflow-wrap: anywhere; }
.mark { background: var(--tone-back); color: var(--tone); border-radius: 1rem; padding: .1rem .65rem; font-size: .75rem;
  font-weight: 600; white-space: nowrap; }
.list { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-size: .75rem; font-weight: 600; color: var(--soft); }
th, td { padding: .6rem 1rem; border-top: 1px solid var(--line); vertical-align: top; }
tr:first-child > * { border-top: 0; }
td small { display: block; color: var(--soft); font-size: .82rem; overflow-wrap: anywhere; }
td.number { white-space: nowrap; text-align: right; font-variant-numeric: tabular-nums; } th.number { text-align: right; }
footer { margin-top: 1.5rem; color: var(--soft); font-size: .82rem; } footer a { color: inherit; }
]]

local function mark(verdict)
    return ('<span class="mark %s">%s</span>'):format(TONES[verdict] or "idle", escape(verdict:lower()))
end

local function add_head(out, prognosis)
    out[#out + 1] = ('<div class="head %s" role="status"><strong>%s</strong>%s</div>'):format(
        TONES[prognosis.verdict] or "idle", escape(prognosis.verdict:sub(1, 1) .. prognosis.verdict:sub(2):lower()),
        escape(prognosis.text))
end

local function add_tiers(out, tiers)
    out[#out + 1] = '<h2>Tiers</h2><div class="tiers">'
    for _, tier in ipairs(tiers) do
        out[#out + 1] = ('<div class="card"><b>%s %s</b><p>%s</p></div>'):format(escape(tier.name), mark(tier.verdict),
            escape(tier.text))
    end
    out[#out + 1] = "</div>"
end

local function add_capabilities(out, prognosis)
    local lost = {}
    for _, name in ipairs(prognosis.lost) do
        lost[name] = true
    end
    out[#out + 1] = '<h2>Capabilities</h2><div class="tiers">'
    for _, name in ipairs(CAPABILITIES) do
        local servers = prognosis.capabilities[name] or {}
        if #servers > 0 or lost[name] then
            local tone, word = "good", "served"
            if lost[name] then
                tone, word = "bad", "lost"
            end
            out[#out + 1] = ('<div class="card"><b>%s <span class="mark %s">%s</span></b><p>%s</p></div>'):format(name, tone,
                word, #servers > 0 and escape(table.concat(servers, ", ")) or "no usable endpoint")
        end
    end
    out[#out + 1] = "</div>"
end

local function model_names(models)
    local names = {}
    for _, model in ipairs(models) do
        names[#names + 1] = model.loaded and model.name .. " (loaded)" or model.name
    end
    return table.concat(names, ", ")
end

local function add_endpoints(out, endpoints)
    out[#out + 1] = '<h2>Endpoints</h2><div class="list"><table><tr><th>Endpoint</th><th>State</th><th>What was seen</th>'
        .. '<th class="number">Latency</th><th class="number">Uptime</th></tr>'
    for _, one in ipairs(endpoints) do
        local models = model_names(one.models)
        out[#out + 1] = ("<tr><td><b>%s</b><small>%s</small></td><td>%s</td><td>%s%s</td>"
            .. '<td class="number">%s</td><td class="number">%s</td></tr>'):format(escape(one.id), escape(one.backend or ""),
            mark(one.verdict), escape(one.text), models ~= "" and "<small>" .. escape(models) .. "</small>" or "",
            one.latency_ms and ("%.1f ms"):format(one.latency_ms) or "–",
            one.uptime and ("%.1f %%"):format(one.uptime * 100) or "–")
    end
    out[#out + 1] = "</table></div>"
end

local function send(code, kind, text)
    ngx.status = code
    ngx.header["Content-Type"] = kind
    ngx.header["Cache-Control"] = "no-store"
    ngx.header["Content-Length"] = #text
    ngx.print(text)
end

-- The page with a body, a title and seconds until the browser asks again.
local function document(title, body)
    return '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        .. '<meta http-equiv="refresh" content="10"><title>' .. escape(title) .. "</title><style>" .. STYLE
        .. "</style><main><h1>AI cluster</h1>" .. body .. "</main></html>\n"
end

--- GET /status
function status.page()
    local snapshot, problem = monitor.snapshot()
    if not snapshot then
        local body = ('<div class="head idle" role="status"><strong>No state yet</strong>%s</div>'):format(escape(problem))
        return send(ngx.HTTP_SERVICE_UNAVAILABLE, "text/html; charset=utf-8", document("AI cluster", body))
    end
    local data = assert(snapshot:to_table())
    local out = {}
    add_head(out, data.prognosis)
    add_tiers(out, data.tiers)
    add_capabilities(out, data.prognosis)
    add_endpoints(out, data.endpoints)
    out[#out + 1] = ('<footer>Seen at %s UTC, change %s. <a href="/status.json">As JSON</a>.</footer>'):format(
        os.date("!%Y-%m-%d %H:%M:%S", data.time_us / 1e6), tostring(data.generation))
    send(ngx.HTTP_OK, "text/html; charset=utf-8", document("AI cluster: " .. data.prognosis.verdict:lower(), table.concat(out)))
end

--- GET /status.json: schema/snapshot.schema.json.
function status.json()
    local json, problem = monitor.json()
    if not json then
        json = ('{"error":"%s"}'):format(problem:gsub('[%c"\\]', " "))
        return send(ngx.HTTP_SERVICE_UNAVAILABLE, "application/json", json)
    end
    send(ngx.HTTP_OK, "application/json", json)
end

--- GET /healthz
function status.health()
    local snapshot, problem = monitor.snapshot()
    local usable = snapshot and snapshot:verdict() ~= homelab.VERDICT_DOWN and snapshot:verdict() ~= homelab.VERDICT_UNKNOWN
    send(usable and ngx.HTTP_OK or ngx.HTTP_SERVICE_UNAVAILABLE, "text/plain; charset=utf-8",
        (snapshot and snapshot:text() or problem) .. "\n")
end

return status
