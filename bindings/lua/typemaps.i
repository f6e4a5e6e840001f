/* How the shared interface puts an object among the results of a call in Lua: code, object. */
#define HOMELAB_APPEND_OBJECT(OBJECT, DESCRIPTOR) \
    SWIG_NewPointerObj(L, OBJECT, DESCRIPTOR, 1); SWIG_arg++;
