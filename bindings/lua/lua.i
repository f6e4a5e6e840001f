/* How the shapes of the public headers look in Lua. One wrapper serves the ABIs of Lua 5.1 (also LuaJIT, Neovim, nginx) and 5.4. */

%insert("header") "lua/runtime.c"
%insert("header") "lua/callbacks.c"
%insert("header") "lua/json.c"
%insert("wrapper") "lua/open.c"

/* Each call: the record of a failure becomes nil, message, code; errors of callbacks are raised once the library has returned. */
%{
#define HOMELAB_BEGIN          \
    struct hl_lua_call call;   \
    hl_lua_enter(&call, L)
#define HOMELAB_CHECK                       \
    do {                                    \
        int failed = hl_lua_leave(&call);   \
        if (failed)                         \
            return failed;                  \
    } while (0)
#define HOMELAB_CALL(...) __VA_ARGS__
#define HOMELAB_FAIL_ARGUMENT(NAME, NUMBER, EXPECTED) return hl_lua_missing(L, NUMBER, EXPECTED)
%}

%define HOMELAB_TYPE(TYPE)
%rename(new) TYPE::wrapped_new;
%enddef

/* A constructor is the function `new` of its class: SWIG's own hands on one result only, and failures have more. */
%define HOMELAB_CONSTRUCTOR(TYPE, PARAMETERS, CALL)
static TYPE *wrapped_new PARAMETERS
{
    TYPE *made = NULL;
    CALL;
    return made;
}
%enddef

/* Numbers and booleans. */
%define HL_LUA_INTEGER(TYPE, MIN, MAX)
%typemap(in, noblock=1) TYPE { $1 = (TYPE)hl_lua_integer(L, $input, MIN, MAX); }
%typemap(out, noblock=1) TYPE { hl_lua_push_integer(L, (int64_t)$1); SWIG_arg++; }
%enddef
HL_LUA_INTEGER(int, INT_MIN, INT_MAX)
HL_LUA_INTEGER(int32_t, INT32_MIN, INT32_MAX)
HL_LUA_INTEGER(uint32_t, 0, UINT32_MAX)
HL_LUA_INTEGER(int64_t, INT64_MIN, INT64_MAX)
HL_LUA_INTEGER(uint64_t, 0, INT64_MAX)
HL_LUA_INTEGER(size_t, 0, INT64_MAX)
%typemap(in, noblock=1) double { $1 = hl_lua_double(L, $input); }
%typemap(out, noblock=1) double { lua_pushnumber(L, $1); SWIG_arg++; }
%typemap(in, noblock=1) bool { $1 = hl_lua_bool(L, $input); }
%typemap(out, noblock=1) bool { lua_pushboolean(L, $1); SWIG_arg++; }

/* Texts: borrowed ones are copied, owned ones are copied and freed by the shared interface. nil becomes NULL, which the shared
 * interface lets through only where the headers allow it. */
%typemap(in, noblock=1) const char * {
    size_t length$argnum = 0;
    $1 = (char *)hl_lua_text(L, $input, &length$argnum);
    int wrong$argnum = hl_lua_check_text(L, $input, $1, length$argnum);
    if (wrong$argnum)
        return wrong$argnum;
}
%typemap(out, noblock=1) const char *, char * {
    if ($1) lua_pushstring(L, $1); else lua_pushnil(L);
    SWIG_arg++;
}
%define HOMELAB_BYTES(TYPE, NAME)
%typemap(out, noblock=1) const char *TYPE::NAME {
    if ($1) lua_pushlstring(L, $1, TYPE ## _ ## NAME ## _length(arg1)); else lua_pushnil(L);
    SWIG_arg++;
}
%enddef
/* A text with its length may hold anything; the library says where it is wrong. */
%typemap(in, noblock=1) (const char *text, size_t length), (const char *data, size_t length) {
    $1 = (char *)hl_lua_text(L, $input, &$2);
}

/* Objects. Those that work keep what they were made from. */
%typemap(in, noblock=1) SWIGTYPE * { $1 = ($ltype)hl_lua_object(L, $input, $descriptor); }
%typemap(in, noblock=1) SWIGTYPE *self { $1 = ($ltype)hl_lua_self(L, $input, $descriptor); }
%typemap(out, noblock=1) SWIGTYPE * { hl_lua_push_object(L, (void *)$1, $descriptor); SWIG_arg++; }
%typemap(out, noblock=1) homelab_prober *, homelab_op * { hl_lua_push_child(L, $1, $descriptor); SWIG_arg++; }

/* Callbacks. */
%typemap(in, noblock=1) (homelab_log_fn fn, void *userdata, homelab_destroy_fn destroy) {
    $2 = hl_lua_callback(L, $input);
    $1 = $2 ? hl_lua_log : NULL;
    $3 = hl_lua_destroy;
}
%typemap(in, noblock=1) (homelab_secret_fn fn, void *userdata, homelab_destroy_fn destroy) {
    $2 = hl_lua_callback(L, $input);
    $1 = $2 ? hl_lua_secret : NULL;
    $3 = hl_lua_destroy;
}

/* Functions whose result says only that they succeeded: true. Most are known from the headers' words. */
%define HOMELAB_STATUS(NAME)
%typemap(out, noblock=1) int NAME { lua_pushboolean(L, $1 == HOMELAB_OK); SWIG_arg++; }
%enddef
HOMELAB_STATUS(set_number)
HOMELAB_STATUS(set_int)
HOMELAB_STATUS(set_double)
HOMELAB_STATUS(set_text)
HOMELAB_STATUS(start)
HOMELAB_STATUS(stop)
HOMELAB_STATUS(refuse)
HOMELAB_STATUS(homelab_testing_advance_clock)
