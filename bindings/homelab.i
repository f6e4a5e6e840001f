/* The interface that all bindings share. What is wrapped stands in api.i, which scripts/generate makes from the public headers;
 * here stand the few rules that turn their uniform shapes into objects, methods and errors, and in python/python.i and
 * lua/lua.i what differs by language. Run as
 *
 *     swig -Wextra -w321 -python -builtin -module native -Iinclude -Ibindings bindings/homelab.i
 *     swig -Wextra -lua -Iinclude -Ibindings bindings/homelab.i
 *
 * (321: a method is called as a built-in function of Python is, which does no harm.) A language's file defines these macros:
 *
 *     HOMELAB_FAIL                       in C: leaves the wrapper with the thread's error record; or, where that does not do,
 *     HOMELAB_BEGIN and HOMELAB_CHECK    in C: what stands before and after each call
 *     HOMELAB_FAIL_ARGUMENT(NAME, NUMBER, TYPE)  in C: leaves it because an argument is missing (nil, None)
 *     HOMELAB_CALL(ACTION)               in C: runs a call that may wait
 *     HOMELAB_CONSTRUCTOR(TYPE, PARAMETERS, CALL)  for SWIG, in %extend TYPE: how an object is made
 *     HOMELAB_TYPE(TYPE)                 for SWIG: whatever else a class needs
 *     HOMELAB_STATUS(NAME)               for SWIG: the result of functions of this name says only that they succeeded
 *     HOMELAB_BYTES(TYPE, NAME)          for SWIG: a method whose result is bytes, TYPE_NAME_length() of them
 */
%module homelab

%{
#define HOMELAB_UNSTABLE
#include <homelab/homelab.h>
#include <homelab/testing.h>

/* A context is closed with its object: nothing of it runs on, and its callbacks are let go of on this thread. */
static void homelab_wrapped_end(homelab_ctx *ctx)
{
    (void)homelab_ctx_close(ctx);
    homelab_ctx_unref(ctx);
}
%}

%include <stdint.i>
%feature("compactdefaultargs");

#ifdef SWIGPYTHON
%include "python/python.i"
#endif
#ifdef SWIGLUA
%include "lua/lua.i"
#endif

/* A call failed exactly when it left an error record, whatever the type of its result; some accessors do not begin with a clean
 * one. */
%{
#ifndef HOMELAB_BEGIN
#define HOMELAB_BEGIN homelab_error_clear()
#define HOMELAB_CHECK                           \
    do {                                        \
        if (homelab_error_code() != HOMELAB_OK) \
            HOMELAB_FAIL;                       \
    } while (0)
#endif
%}
%exception {
    HOMELAB_BEGIN;
    $action
    HOMELAB_CHECK;
}
/* May wait for a peer, the file system or another thread, or take long. */
%define HOMELAB_WAITS(FUNCTION)
%exception FUNCTION {
    HOMELAB_BEGIN;
    HOMELAB_CALL($action);
    HOMELAB_CHECK;
}
%enddef
/* Leaves the error record alone. */
%define HOMELAB_PLAIN(FUNCTION)
%exception FUNCTION {
    $action
}
%enddef

/* Text as `char *` is the caller's and freed after conversion; as `const char *` it is borrowed. */
%typemap(ret) char * "homelab_free($1);"
%typemap(ret) const char * ""

/* What must be given: nil and None become NULL, which never reaches the library. */
%typemap(check) const char * {
    if (!$1)
        HOMELAB_FAIL_ARGUMENT("$symname", $argnum, "$1_type");
}
%typemap(check) const char *HOMELAB_MAYBE "/* may be missing */"

/* What may be missing of an opaque type: before all classes, since a class knows no rules for types that come after it. */
%define HOMELAB_OPTIONAL(TYPE)
%typemap(check) TYPE *HOMELAB_MAYBE "/* may be missing */"
%typemap(check) const TYPE *HOMELAB_MAYBE "/* may be missing */"
%enddef

/* An opaque type, its class, and what drops a reference to it. */
%define HOMELAB_OBJECT(TYPE, CLASS, RELEASE)
%rename(CLASS) TYPE;
HOMELAB_TYPE(TYPE)
%nodefaultctor TYPE;
%exception TYPE::~TYPE {
    HOMELAB_CALL($action);
}
%typemap(check) TYPE * , const TYPE * {
    if (!$1)
        HOMELAB_FAIL_ARGUMENT("$symname", $argnum, "$1_type");
}
typedef struct TYPE {} TYPE;
%extend TYPE {
    ~TYPE()
    {
        RELEASE($self);
    }
}
%enddef

/* Makes an object, or none where the call succeeds without one. */
%define HOMELAB_MAKES(TYPE, NAME, PARAMETERS, CALL)
TYPE *NAME PARAMETERS
{
    TYPE *made = NULL;
    CALL;
    return made;
}
%enddef

/* Returns an object that belongs to another one, with a reference of its own. */
%define HOMELAB_LENDS(TYPE, NAME, PARAMETERS, CALL)
TYPE *NAME PARAMETERS
{
    return TYPE ## _ref(CALL);
}
%enddef

/* Options may always be left out. */
%typemap(check) const homelab_opts *opts "/* may be missing */"

%include "api.i"
