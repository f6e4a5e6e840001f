-- The modules and their tests run in Lua 5.1 to 5.4, LuaJIT, Neovim and nginx.
std = "max+ngx_lua"
globals = { "vim" }
max_line_length = 128
-- Annotations have functions without bodies.
files["bindings/lua/library"] = { unused = false }
-- wrk calls this one.
files["tests/hosts/wrk_report.lua"] = { globals = { "done" } }
