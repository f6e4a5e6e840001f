/* Functions of a script as callbacks of the library. SWIG puts this file into the wrapper, after
 * runtime.c. */

/* Callbacks. The userdata is the function's place in the registry. */

static void *hl_lua_callback(lua_State *L, int index)
{
    if (lua_isnoneornil(L, index))
        return NULL;
    if (lua_type(L, index) != LUA_TFUNCTION)
        hl_lua_wrong_type(L, index, "a function or nil");
    lua_pushvalue(L, index);
    return (void *)(intptr_t)luaL_ref(L, LUA_REGISTRYINDEX);
}

/* Without a call the library has dropped the callback on a thread that is none of Lua's; the entry
 * stays then. */
static void hl_lua_destroy(void *userdata)
{
    if (hl_lua_top && userdata)
        luaL_unref(hl_lua_top->L, LUA_REGISTRYINDEX, (int)(intptr_t)userdata);
}

static void hl_lua_push_callback(lua_State *L, void *userdata)
{
    luaL_checkstack(L, HL_LUA_SLOTS, "callback");
    lua_rawgeti(L, LUA_REGISTRYINDEX, (int)(intptr_t)userdata);
}

struct hl_lua_log {
    int level;
    const char *subsystem;
    const char *message;
    void *userdata;
};

static int hl_lua_log_call(lua_State *L)
{
    const struct hl_lua_log *job = lua_touserdata(L, 1);
    hl_lua_push_callback(L, job->userdata);
    lua_pushinteger(L, job->level);
    lua_pushstring(L, job->subsystem);
    lua_pushstring(L, job->message);
    lua_call(L, 3, 0);
    return 0;
}

static void hl_lua_log(int level, const char *subsystem, const char *message, void *userdata)
{
    struct hl_lua_log job = {level, subsystem, message, userdata};
    (void)hl_lua_protect(hl_lua_log_call, &job);
}

struct hl_lua_secret {
    homelab_secret_request *request;
    void *userdata;
    int result;
};

/* What the function returned: a text answers, false with a reason refuses, nil passes on, and a
 * number says what was done. */
static int hl_lua_secret_result(lua_State *L, homelab_secret_request *request)
{
    switch (lua_type(L, -2)) {
    case LUA_TNIL:
        return HOMELAB_SECRET_PASS;
    case LUA_TSTRING: {
        int code = homelab_secret_request_answer(request, lua_tostring(L, -2));
        if (code < 0)
            luaL_error(L, "secret provider: %s", homelab_error_message());
        return HOMELAB_SECRET_DONE;
    }
    case LUA_TBOOLEAN:
        if (lua_toboolean(L, -2))
            break;
        (void)homelab_secret_request_refuse(
            request, lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL);
        return HOMELAB_SECRET_DONE;
    case LUA_TNUMBER: {
        lua_Number number = lua_tonumber(L, -2);
        if (number <= HOMELAB_SECRET_LATER && number >= INT32_MIN && floor(number) == number)
            return (int)number;
        break;
    }
    default:
        break;
    }
    return luaL_error(L, "secret provider: expected a text, nil, false or SECRET_LATER, found %s",
                      luaL_typename(L, -2));
}

static int hl_lua_secret_call(lua_State *L)
{
    struct hl_lua_secret *job = lua_touserdata(L, 1);
    hl_lua_push_callback(L, job->userdata);
    /* A reference of the script's own: it may keep the request and answer later. */
    hl_lua_push_object(L, homelab_secret_request_ref(job->request),
                       SWIGTYPE_p_homelab_secret_request);
    lua_call(L, 1, 2);
    job->result = hl_lua_secret_result(L, job->request);
    return 0;
}

static int hl_lua_secret(homelab_secret_request *request, void *userdata)
{
    struct hl_lua_secret job = {request, userdata, HOMELAB_E_USER};
    return hl_lua_protect(hl_lua_secret_call, &job) ? job.result : HOMELAB_E_USER;
}
