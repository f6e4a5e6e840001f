-- The modules and their tests run in Lua 5.1 to 5.4, LuaJIT, Neovim and nginx.
std = "max+ngx_lua"
globals = { "vim" }
max_line_length = 128
