-- Builds the module with the library inside: `luarocks make` in a checkout. It needs CMake 3.25, SWIG 4.1, pkg-config and the
-- development files of libcurl, cJSON, libyaml and YAJL.
rockspec_format = "3.0"
package = "homelab"
version = "0.2.0-1"
source = {
    url = "git+file://.",
}
description = {
    summary = "What a home AI cluster can do right now",
    detailed = [[
        Inventory and health of Ollama, llama.cpp, LiteLLM, vLLM and others, for LuaJIT, Lua 5.1 to 5.4, Neovim and nginx
        (OpenResty): one pollable descriptor, events, immutable snapshots, no thread needed.
    ]],
    license = "MIT",
    labels = { "monitoring", "llm", "neovim", "nginx" },
}
dependencies = {
    "lua >= 5.1, < 5.5",
}
build = {
    type = "cmake",
    variables = {
        CMAKE_BUILD_TYPE = "RelWithDebInfo",
        CMAKE_INSTALL_PREFIX = "$(PREFIX)",
        HOMELAB_BUILD_EXAMPLES = "OFF",
        HOMELAB_BUILD_TESTS = "OFF",
        HOMELAB_BUILD_TOOLS = "OFF",
        HOMELAB_INSTALL = "OFF",
        HOMELAB_LUA_STATIC = "ON",
        HOMELAB_LUA_INCLUDE_DIR = "$(LUA_INCDIR)",
        HOMELAB_LUA_CMODULE_DIR = "$(LIBDIR)",
        HOMELAB_LUA_MODULE_DIR = "$(LUADIR)",
    },
    copy_directories = { "docs" },
}
