/* What the wrappers of the Lua module share: checked arguments, errors as nil, message and code,
 * callbacks, and objects that a script cannot use after they are gone. SWIG puts this file into the
 * wrapper, in front of the functions.
 *
 * Every call of the library stands between hl_lua_enter() and hl_lua_leave(). Callbacks run inside
 * such a call, on the state that made it: that state is alive, whichever coroutines have died since
 * the callback was set, and it is the one that a host such as nginx has tied the present request
 * to. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Errors of callbacks that one call hands on in full; further ones are counted. */
#define HL_LUA_ERRORS_MAX 8
/* Stack slots that callbacks need beside the errors. */
#define HL_LUA_SLOTS      20
/* Beyond this a double does not hold every integer. */
#define HL_LUA_EXACT      INT64_C(9007199254740992)
/* No text of an error record is longer. */
#define HL_LUA_LINE_MAX   2048
/* Deepest nesting of a JSON text that is turned into tables. */
#define HL_LUA_DEPTH      64

struct hl_lua_call {
    lua_State *L;
    struct hl_lua_call *outer;
    int errors; /* on top of the stack of L */
    int lost;
};

static _Thread_local struct hl_lua_call *hl_lua_top;

static void hl_lua_enter(struct hl_lua_call *call, lua_State *L)
{
    luaL_checkstack(L, HL_LUA_ERRORS_MAX + HL_LUA_SLOTS, "call of libhomelab");
    *call = (struct hl_lua_call){.L = L, .outer = hl_lua_top};
    hl_lua_top = call;
    homelab_error_clear();
}

/* Puts the errors of the callbacks together, one a line, and raises them; one alone is raised as it
 * is. */
static void hl_lua_raise(const struct hl_lua_call *call)
{
    lua_State *L = call->L;
    if (call->errors == 1)
        lua_error(L);
    luaL_Buffer text;
    int first = lua_gettop(L) - call->errors + 1;
    luaL_buffinit(L, &text);
    for (int i = first; i < first + call->errors; i++) {
        if (i > first)
            luaL_addchar(&text, '\n');
        const char *one = lua_tostring(L, i);
        luaL_addstring(&text, one ? one : luaL_typename(L, i));
    }
    luaL_pushresult(&text);
    if (call->lost > 0)
        lua_pushfstring(L, "%s\nand %d more errors in callbacks", lua_tostring(L, -1), call->lost);
    lua_error(L);
}

/* nil, message and code of a failure, then its subject and its detail. */
static int hl_lua_failed(lua_State *L, int code, const char *message, const char *subject,
                         int sub_code)
{
    lua_pushnil(L);
    lua_pushstring(L, message);
    lua_pushinteger(L, code);
    lua_pushstring(L, subject);
    lua_pushinteger(L, sub_code);
    return 5;
}

/* 0 when the call succeeded, else the number of results that say why not. Raises what callbacks
 * raised meanwhile. */
static int hl_lua_leave(const struct hl_lua_call *call)
{
    hl_lua_top = call->outer;
    if (call->errors > 0)
        hl_lua_raise(call);
    int code = homelab_error_code();
    if (code == HOMELAB_OK)
        return 0;
    /* Copies: a push may collect garbage, and so make calls that clear the record. */
    char message[HL_LUA_LINE_MAX], subject[HL_LUA_LINE_MAX];
    snprintf(message, sizeof message, "%s", homelab_error_message());
    snprintf(subject, sizeof subject, "%s", homelab_error_subject());
    return hl_lua_failed(call->L, code, message, subject, homelab_error_sub_code());
}

/* Runs a function of a callback. An error stays on the stack for hl_lua_leave(): none may jump
 * across the library. */
static bool hl_lua_protect(lua_CFunction function, void *job)
{
    struct hl_lua_call *call = hl_lua_top;
    if (!call)
        return false;
#if LUA_VERSION_NUM < 502
    int status = lua_cpcall(call->L, function, job);
#else
    lua_pushcfunction(call->L, function);
    lua_pushlightuserdata(call->L, job);
    int status = lua_pcall(call->L, 1, 0, 0);
#endif
    if (status == 0)
        return true;
    if (call->errors < HL_LUA_ERRORS_MAX) {
        call->errors++;
    } else {
        lua_pop(call->L, 1);
        call->lost++;
    }
    return false;
}

/* Objects. The metatable of a class holds its type at 1, which nobody else's userdata has. */

static const char *hl_lua_class_name(const swig_type_info *type)
{
    const swig_lua_class *class = type->clientdata;
    return class ? class->name : type->str;
}

/* The type of one of our objects, whatever class; NULL for anything else. */
static swig_type_info *hl_lua_type(lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index))
        return NULL;
    lua_rawgeti(L, -1, 1);
    swig_type_info *type = lua_touserdata(L, -1);
    lua_pop(L, 2);
    for (size_t i = 0; type && swig_types[i]; i++)
        if (swig_types[i] == type)
            return type;
    return NULL;
}

static bool hl_lua_is(lua_State *L, int index, const swig_type_info *type)
{
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index))
        return false;
    lua_rawgeti(L, -1, 1);
    bool same = lua_touserdata(L, -1) == (const void *)type;
    lua_pop(L, 2);
    return same;
}

static int hl_lua_wrong_type(lua_State *L, int index, const char *expected)
{
    return luaL_argerror(
        L, index, lua_pushfstring(L, "expected %s, found %s", expected, luaL_typename(L, index)));
}

static int hl_lua_missing(lua_State *L, int index, const char *expected)
{
    return luaL_argerror(L, index, lua_pushfstring(L, "expected %s, found nil", expected));
}

/* nil is NULL, which the shared interface refuses where an object is required. */
static void *hl_lua_object(lua_State *L, int index, const swig_type_info *type)
{
    if (lua_isnoneornil(L, index))
        return NULL;
    if (!hl_lua_is(L, index, type))
        hl_lua_wrong_type(L, index, hl_lua_class_name(type));
    void *object = ((swig_lua_userdata *)lua_touserdata(L, index))->ptr;
    if (!object)
        luaL_argerror(L, index,
                      lua_pushfstring(L, "the %s has been released", hl_lua_class_name(type)));
    return object;
}

/* The object of a method. */
static void *hl_lua_self(lua_State *L, int index, const swig_type_info *type)
{
    void *object = hl_lua_object(L, index, type);
    if (!object)
        hl_lua_missing(L, index, hl_lua_class_name(type));
    return object;
}

/* The object at index -1 keeps the one at parent from being collected. */
static char hl_lua_keep_key;

static void hl_lua_keep(lua_State *L, int parent)
{
    lua_pushlightuserdata(L, &hl_lua_keep_key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, parent);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

static void hl_lua_push_object(lua_State *L, void *object, swig_type_info *type)
{
    if (!object) {
        lua_pushnil(L);
        return;
    }
    SWIG_NewPointerObj(L, object, type, 1);
}

/* What works for its context keeps that from being collected, and so from being closed. */
static void hl_lua_push_child(lua_State *L, void *object, swig_type_info *type)
{
    hl_lua_push_object(L, object, type);
    if (object)
        hl_lua_keep(L, 1);
}

/* The script's reference goes, once. */
static void hl_lua_drop(lua_State *L, const swig_type_info *type, swig_lua_userdata *data)
{
    const swig_lua_class *class = type->clientdata;
    void *object = data->ptr;
    data->ptr = NULL;
    if (!object || !data->own || !class->destructor)
        return;
    struct hl_lua_call call;
    hl_lua_enter(&call, L);
    class->destructor(object);
    hl_lua_top = call.outer;
}

static int hl_lua_collect(lua_State *L)
{
    const swig_type_info *type = hl_lua_type(L, 1);
    if (type)
        hl_lua_drop(L, type, lua_touserdata(L, 1));
    return 0;
}

/* release(): the same before the collector comes to it. */
static int hl_lua_release(lua_State *L)
{
    if (!hl_lua_type(L, 1))
        hl_lua_wrong_type(L, 1, "an object of homelab");
    return hl_lua_collect(L);
}

static int hl_lua_equal(lua_State *L)
{
    bool ours = hl_lua_type(L, 1) && hl_lua_type(L, 1) == hl_lua_type(L, 2);
    const swig_lua_userdata *one = lua_touserdata(L, 1);
    const swig_lua_userdata *other = lua_touserdata(L, 2);
    lua_pushboolean(L, ours && one->ptr && one->ptr == other->ptr);
    return 1;
}

/* Numbers. An integer goes through whole or not at all. */

static bool hl_lua_text_integer(const char *text, int64_t *out)
{
    const char *digits = text + (*text == '-');
    if (!*digits || strspn(digits, "0123456789") != strlen(digits))
        return false;
    errno = 0;
    *out = strtoll(text, NULL, 10);
    return errno == 0;
}

static bool hl_lua_whole(lua_State *L, int index, int64_t *out)
{
#if LUA_VERSION_NUM >= 503
    if (lua_isinteger(L, index)) {
        *out = lua_tointeger(L, index);
        return true;
    }
#endif
    lua_Number number = lua_tonumber(L, index);
    if (!(fabs(number) <= (double)HL_LUA_EXACT) || floor(number) != number)
        return false;
    *out = (int64_t)number;
    return true;
}

static int64_t hl_lua_integer(lua_State *L, int index, int64_t min, int64_t max)
{
    int64_t value = 0;
    int type = lua_type(L, index);
    bool wide = max == INT64_MAX && type == LUA_TSTRING;
    if (type != LUA_TNUMBER && !wide)
        hl_lua_wrong_type(L, index, "an integer");
    if (!(wide ? hl_lua_text_integer(lua_tostring(L, index), &value)
               : hl_lua_whole(L, index, &value)))
        luaL_argerror(L, index,
                      lua_pushfstring(L, "expected an integer, found %s", lua_tostring(L, index)));
    if (value < min || value > max) {
        char text[96];
        snprintf(text, sizeof text, "expected %lld to %lld, found %lld", (long long)min,
                 (long long)max, (long long)value);
        luaL_argerror(L, index, text);
    }
    return value;
}

/* In Lua 5.1 what a double does not hold becomes decimal digits in a string. */
static void hl_lua_push_integer(lua_State *L, int64_t value)
{
#if LUA_VERSION_NUM >= 503
    lua_pushinteger(L, value);
#else
    if (value >= -HL_LUA_EXACT && value <= HL_LUA_EXACT) {
        lua_pushnumber(L, (lua_Number)value);
        return;
    }
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    lua_pushstring(L, text);
#endif
}

static double hl_lua_double(lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TNUMBER)
        hl_lua_wrong_type(L, index, "a number");
    return lua_tonumber(L, index);
}

static bool hl_lua_bool(lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TBOOLEAN)
        hl_lua_wrong_type(L, index, "a boolean");
    return lua_toboolean(L, index);
}

/* Texts. */

/* Length of the UTF-8 sequence that text starts with, or 0. */
static size_t hl_lua_sequence(const unsigned char *text, size_t left)
{
    static const struct {
        unsigned char first_min, first_max, second_min, second_max, length;
    } kinds[] = {
        {0x01, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (*text < kinds[i].first_min || *text > kinds[i].first_max)
            continue;
        size_t length = kinds[i].length;
        if (length > left ||
            (length > 1 && (text[1] < kinds[i].second_min || text[1] > kinds[i].second_max)))
            return 0;
        for (size_t j = 2; j < length; j++)
            if ((text[j] & 0xc0) != 0x80)
                return 0;
        return length;
    }
    return 0;
}

/* 0 when text is UTF-8 without a zero byte, else the number of results that say why not. */
static int hl_lua_check_text(lua_State *L, int index, const char *text, size_t length)
{
    size_t at = 0;
    while (at < length) {
        size_t step = hl_lua_sequence((const unsigned char *)text + at, length - at);
        if (step == 0)
            break;
        at += step;
    }
    if (at == length)
        return 0;
    char message[96];
    snprintf(message, sizeof message,
             "argument %d: expected UTF-8 text, found byte 0x%02x at position %zu", index,
             (unsigned char)text[at], at + 1);
    return hl_lua_failed(L, HOMELAB_E_UTF8, message, "", 0);
}

/* A string, or NULL for nil; numbers are not taken for one. */
static const char *hl_lua_text(lua_State *L, int index, size_t *length)
{
    *length = 0;
    if (lua_isnoneornil(L, index))
        return NULL;
    if (lua_type(L, index) != LUA_TSTRING)
        hl_lua_wrong_type(L, index, "a string");
    return lua_tolstring(L, index, length);
}
