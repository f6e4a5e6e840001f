/* What is Lua's own in the bindings. Included by homelab.i. A call that failed returns nil, message, code. */

%{
#define HOMELAB_CALL(...) __VA_ARGS__
#define HOMELAB_FAIL return homelab_lua_fail(L)
#define HOMELAB_FAIL_ARGUMENT(NAME, NUMBER, TYPE) return luaL_error(L, "%s: argument %d: expected %s, found nil", NAME, NUMBER, TYPE)

static int homelab_lua_fail(lua_State *L)
{
    lua_pushnil(L);
    lua_pushstring(L, homelab_error_message());
    lua_pushinteger(L, homelab_error_code());
    return 3;
}
%}

%define HOMELAB_TYPE(TYPE)
%rename(new) TYPE::wrapped_new;
%newobject TYPE::wrapped_new;
%enddef

/* SWIG's own constructors drop all but one result. */
%define HOMELAB_CONSTRUCTOR(TYPE, PARAMETERS, CALL)
static TYPE *wrapped_new PARAMETERS
{
    TYPE *made = NULL;
    CALL;
    return made;
}
%enddef
