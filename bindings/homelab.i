/* The interface that all bindings share: the public headers as they are, and the few rules that make their shapes natural in a
 * script. What differs by language stands in one typemap file each. Run as
 *
 *     swig -Wall -python -Iinclude bindings/homelab.i
 *     swig -Wall -lua -Iinclude bindings/homelab.i
 */
%module homelab

%{
#define HOMELAB_UNSTABLE
#include <homelab/homelab.h>
#include <homelab/testing.h>
%}

%include <stdint.i>

/* Decorations of the headers that mean nothing to SWIG. */
#define HOMELAB_API
#define HOMELAB_BEGIN_DECLS
#define HOMELAB_END_DECLS
#define HOMELAB_UNSTABLE

#ifdef SWIGPYTHON
%include "python/typemaps.i"
#endif
#ifdef SWIGLUA
%include "lua/typemaps.i"
#endif

/* Text as `char *` is the caller's and freed after conversion; as `const char *` it is borrowed. */
%typemap(ret) char * "homelab_free($1);"
%typemap(ret) const char * ""

/* HOMELAB_OBJECT(TYPE, RELEASE): an opaque object. `TYPE **out` of a constructor, or `TYPE **op`, is no argument but a further
 * result, which the script owns; collecting it calls RELEASE. */
%define HOMELAB_OBJECT(TYPE, RELEASE)
%nodefaultctor TYPE;
typedef struct TYPE {} TYPE;
%extend TYPE {
    ~TYPE()
    {
        RELEASE($self);
    }
}
%ignore RELEASE;
%typemap(in, numinputs=0, noblock=1) TYPE **out (TYPE *made = NULL), TYPE **op (TYPE *made = NULL) { $1 = &made; }
%typemap(argout, noblock=1) TYPE **out, TYPE **op { HOMELAB_APPEND_OBJECT(*$1, $*1_descriptor) }
%newobject TYPE ## _ref;
%enddef

%ignore homelab_free;
HOMELAB_OBJECT(homelab_ctx, homelab_ctx_unref)
HOMELAB_OBJECT(homelab_event, homelab_event_unref)
HOMELAB_OBJECT(homelab_op, homelab_op_unref)
HOMELAB_OBJECT(homelab_inventory, homelab_inventory_unref)
HOMELAB_OBJECT(homelab_builder, homelab_builder_free)
HOMELAB_OBJECT(homelab_report, homelab_report_free)
HOMELAB_OBJECT(homelab_allocator, homelab_allocator_free)
HOMELAB_OBJECT(homelab_opts, homelab_opts_free)
HOMELAB_OBJECT(homelab_prober, homelab_prober_unref)
HOMELAB_OBJECT(homelab_secret_request, homelab_secret_request_unref)
HOMELAB_OBJECT(homelab_snapshot, homelab_snapshot_unref)

%include <homelab/version.h>
%include <homelab/error.h>
%include <homelab/memory.h>
%include <homelab/option_keys.h>
%include <homelab/options.h>
%include <homelab/secret.h>
%include <homelab/event.h>
%include <homelab/ctx.h>
%include <homelab/inventory.h>
%include <homelab/snapshot.h>
%include <homelab/prober.h>
%include <homelab/testing.h>
