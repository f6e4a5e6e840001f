/* The start of the module homelab.core: SWIG's own, then what makes its objects safe in the hands
 * of a script. SWIG puts this file among the wrappers. */

SWIGEXPORT int SWIG_init(lua_State *L);

static pthread_mutex_t hl_lua_starting = PTHREAD_MUTEX_INITIALIZER;

/* The class at the top of the stack is its metatable. Methods are looked up in a plain table; what
 * SWIG offers beyond them trusts its arguments, so it goes. */
static void hl_lua_seal_class(lua_State *L, swig_type_info *type)
{
    static const char *const unsafe[] = {"__disown", "__newindex", "__call", "__tostring",
                                         "__unm",    "__len",      ".get",   ".set"};
    lua_pushlightuserdata(L, type);
    lua_rawseti(L, -2, 1);
    lua_pushliteral(L, ".fn");
    lua_rawget(L, -2);
    lua_pushnil(L);
    lua_setfield(L, -2, "__disown");
    lua_pushcfunction(L, hl_lua_release);
    lua_setfield(L, -2, "release");
    lua_setfield(L, -2, "__index");
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++) {
        lua_pushstring(L, unsafe[i]);
        lua_pushnil(L);
        lua_rawset(L, -3);
    }
    lua_pushcfunction(L, hl_lua_collect);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, hl_lua_equal);
    lua_setfield(L, -2, "__eq");
    lua_pushstring(L, hl_lua_class_name(type));
    lua_setfield(L, -2, "__name");
}

/* A weak-keyed table: what each object keeps from being collected. */
static void hl_lua_new_keep(lua_State *L)
{
    lua_pushlightuserdata(L, &hl_lua_keep_key);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawset(L, LUA_REGISTRYINDEX);
}

/* The functions of a class that need no object, such as `new`: a plain table in place of what SWIG
 * puts there. */
static void hl_lua_push_functions(lua_State *L, const swig_lua_class *class)
{
    lua_newtable(L);
    for (const swig_lua_method *one = class->cls_static->ns_methods; one->name; one++) {
        lua_pushcfunction(L, one->func);
        lua_setfield(L, -2, one->name);
    }
}

/* Leaves the module's table with one more entry: the metatables of the classes by name. */
static void hl_lua_seal(lua_State *L)
{
    lua_newtable(L);
    for (size_t i = 0; swig_types[i]; i++) {
        const swig_lua_class *class = swig_types[i]->clientdata;
        if (!class)
            continue;
        SWIG_Lua_get_class_metatable(L, class->fqname);
        hl_lua_seal_class(L, swig_types[i]);
        lua_setfield(L, -2, class->name);
        hl_lua_push_functions(L, class);
        lua_setfield(L, -3, class->name);
    }
    lua_setfield(L, -2, "classes");
    lua_pushcfunction(L, hl_lua_decode);
    lua_setfield(L, -2, "decode");
    hl_lua_new_keep(L);
}

static int hl_lua_start(lua_State *L)
{
    /* SWIG leaves two functions of its own among the globals. */
    lua_getglobal(L, "swig_type");
    lua_getglobal(L, "swig_equals");
    lua_pushcfunction(L, SWIG_init);
    lua_call(L, 0, 1);
    lua_insert(L, 1);
    lua_setglobal(L, "swig_equals");
    lua_setglobal(L, "swig_type");
    hl_lua_seal(L);
    return 1;
}

/* SWIG's start changes tables that all interpreters of the process share. */
SWIGEXPORT int luaopen_homelab_core(lua_State *L)
{
    lua_pushcfunction(L, hl_lua_start);
    (void)pthread_mutex_lock(&hl_lua_starting);
    int status = lua_pcall(L, 0, 1, 0);
    (void)pthread_mutex_unlock(&hl_lua_starting);
    return status == 0 ? 1 : lua_error(L);
}
