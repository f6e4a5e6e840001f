/* The library's JSON as tables. SWIG puts this file into the wrapper, after runtime.c. */
#include <yajl/yajl_tree.h>

/* Deepest nesting that is turned into tables. */
#define HL_LUA_DEPTH 64

/* JSON texts of the library as tables. null is left out. */

static void hl_lua_push_value(lua_State *L, yajl_val value, int depth)
{
    if (depth > HL_LUA_DEPTH)
        luaL_error(L, "JSON: nested deeper than %d", HL_LUA_DEPTH);
    luaL_checkstack(L, 4, "JSON");
    switch (value->type) {
    case yajl_t_string:
        lua_pushstring(L, YAJL_GET_STRING(value));
        break;
    case yajl_t_number:
        if (YAJL_IS_INTEGER(value))
            hl_lua_push_integer(L, YAJL_GET_INTEGER(value));
        else
            lua_pushnumber(L, YAJL_GET_DOUBLE(value));
        break;
    case yajl_t_object:
        lua_newtable(L);
        for (size_t i = 0; i < value->u.object.len; i++) {
            lua_pushstring(L, value->u.object.keys[i]);
            hl_lua_push_value(L, value->u.object.values[i], depth + 1);
            lua_rawset(L, -3);
        }
        break;
    case yajl_t_array:
        lua_newtable(L);
        for (size_t i = 0; i < value->u.array.len; i++) {
            hl_lua_push_value(L, value->u.array.values[i], depth + 1);
            lua_rawseti(L, -2, (int)i + 1);
        }
        break;
    case yajl_t_true:
    case yajl_t_false:
        lua_pushboolean(L, value->type == yajl_t_true);
        break;
    default:
        lua_pushnil(L);
        break;
    }
}

static int hl_lua_decode_tree(lua_State *L)
{
    hl_lua_push_value(L, lua_touserdata(L, 1), 0);
    return 1;
}

/* decode(json): the value, or nil, message and code. */
static int hl_lua_decode(lua_State *L)
{
    size_t length = 0;
    const char *text = hl_lua_text(L, 1, &length);
    if (!text)
        return hl_lua_missing(L, 1, "a string");
    char problem[256] = "";
    lua_pushcfunction(L, hl_lua_decode_tree);
    yajl_val tree = strlen(text) == length ? yajl_tree_parse(text, problem, sizeof problem) : NULL;
    if (!tree) {
        problem[strcspn(problem, "\n")] = '\0';
        return hl_lua_failed(L, HOMELAB_E_SYNTAX, *problem ? problem : "JSON: found no value", "",
                             0);
    }
    lua_pushlightuserdata(L, tree);
    int status = lua_pcall(L, 1, 1, 0);
    yajl_tree_free(tree);
    if (status != 0)
        lua_error(L);
    return 1;
}
