/* How the shared interface puts an object among the results of a call in Python: a list of code and object. */
#define HOMELAB_APPEND_OBJECT(OBJECT, DESCRIPTOR) \
    $result = SWIG_Python_AppendOutput($result, SWIG_NewPointerObj(OBJECT, DESCRIPTOR, SWIG_POINTER_OWN));
