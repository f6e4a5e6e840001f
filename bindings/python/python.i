/* What is Python's own in the bindings: text, callbacks, the interpreter's lock, exceptions. Included by homelab.i. */

/* Methods may be called as built-in functions are. */

%{
/* The interpreter's lock is given back while a call may wait, and taken again in each callback. A callback's exception stays
 * with the thread and is raised by the call that the callback ran in. */
#define HOMELAB_CALL(...)          \
    do {                           \
        Py_BEGIN_ALLOW_THREADS     \
        __VA_ARGS__;               \
        Py_END_ALLOW_THREADS       \
        if (PyErr_Occurred())      \
            SWIG_fail;             \
    } while (0)
#define HOMELAB_FAIL              \
    do {                          \
        homelab_python_raise();   \
        SWIG_fail;                \
    } while (0)
#define HOMELAB_FAIL_ARGUMENT(NAME, NUMBER, TYPE)                                                             \
    do {                                                                                                      \
        PyErr_Format(PyExc_TypeError, "in method '%s', argument %d of type '%s': found None", NAME, NUMBER, TYPE); \
        SWIG_fail;                                                                                            \
    } while (0)

#if PY_VERSION_HEX < 0x030d0000
#define Py_IsFinalizing() _Py_IsFinalizing()
#endif

/* Raises what the package makes of the thread's error record. */
static void homelab_python_raise(void)
{
    int code = homelab_error_code(), sub_code = homelab_error_sub_code();
    PyObject *module = PyImport_ImportModule("homelab._errors");
    PyObject *error = module ? PyObject_CallMethod(module, "from_record", "iiss", code, sub_code, homelab_error_subject(),
                                                   homelab_error_message())
                             : NULL;
    if (error)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    Py_XDECREF(module);
}

/* Text as UTF-8 that lives as long as the object; NULL with an exception. */
static const char *homelab_python_text(PyObject *object, Py_ssize_t *length)
{
    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "expected str, found %.100s", Py_TYPE(object)->tp_name);
        return NULL;
    }
    return PyUnicode_AsUTF8AndSize(object, length);
}

static const char *homelab_python_line(PyObject *object)
{
    Py_ssize_t length;
    const char *text = homelab_python_text(object, &length);
    if (text && strlen(text) != (size_t)length) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        return NULL;
    }
    return text;
}

/* Calls a callback's function. NULL with an exception, which stays with the thread; a second one in the same call of the
 * library is reported as unraisable, so that none is lost. */
static PyObject *homelab_python_callback(PyObject *function, PyObject *arguments)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyObject *result = arguments ? PyObject_CallObject(function, arguments) : NULL;
    Py_XDECREF(arguments);
    if (type) {
        if (!result)
            PyErr_WriteUnraisable(function);
        PyErr_Restore(type, value, trace);
    }
    return result;
}

static void homelab_python_log(int level, const char *subsystem, const char *message, void *userdata)
{
    if (Py_IsFinalizing())
        return;
    PyGILState_STATE state = PyGILState_Ensure();
    Py_XDECREF(homelab_python_callback(userdata, Py_BuildValue("(iss)", level, subsystem, message)));
    PyGILState_Release(state);
}

static int homelab_python_secret(homelab_secret_request *request, void *userdata)
{
    if (Py_IsFinalizing())
        return HOMELAB_SECRET_PASS;
    int answer = HOMELAB_E_USER;
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *object = SWIG_InternalNewPointerObj(homelab_secret_request_ref(request),
                                                  SWIGTYPE_p_homelab_secret_request, SWIG_POINTER_OWN);
    PyObject *result = homelab_python_callback(userdata, object ? Py_BuildValue("(N)", object) : NULL);
    if (result && PyLong_Check(result))
        answer = (int)PyLong_AsLong(result);
    else if (result)
        PyErr_Format(PyExc_TypeError, "a secret provider returns a number, found %.100s", Py_TYPE(result)->tp_name);
    Py_XDECREF(result);
    PyGILState_Release(state);
    return answer;
}

/* In the middle of a send an exception must not keep its call from giving out the operation: it is reported as unraisable. The
 * package's own function raises none. */
static int homelab_python_classify(const char *text, size_t length, int kind, void *userdata)
{
    if (Py_IsFinalizing())
        return HOMELAB_TASK_NONE;
    int task = HOMELAB_TASK_NONE;
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *result = PyObject_CallFunction(userdata, "y#i", text, (Py_ssize_t)length, kind);
    if (result)
        task = (int)PyLong_AsLong(result);
    if (PyErr_Occurred()) {
        PyErr_WriteUnraisable(userdata);
        task = HOMELAB_TASK_NONE;
    }
    Py_XDECREF(result);
    PyGILState_Release(state);
    return task;
}

/* May run on a thread of the library, and when there is no interpreter any more. */
static void homelab_python_destroy(void *userdata)
{
    if (Py_IsFinalizing())
        return;
    PyGILState_STATE state = PyGILState_Ensure();
    Py_DECREF((PyObject *)userdata);
    PyGILState_Release(state);
}
%}

/* An object that was made without its constructor is of no type and holds nothing. */
%{
static swig_type_info homelab_python_nothing = {"nothing", "nothing", NULL, NULL, NULL, 0};

static PyObject *homelab_python_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *object = PyType_GenericNew(type, args, kwargs);
    if (object)
        ((SwigPyObject *)object)->ty = &homelab_python_nothing;
    return object;
}
%}
%define HOMELAB_TYPE(TYPE)
%feature("python:tp_new") TYPE "homelab_python_new";
%enddef

%define HOMELAB_STATUS(NAME)
%enddef

%define HOMELAB_BYTES(TYPE, NAME)
%typemap(out) const char *TYPE::NAME {
    $result = $1 ? PyBytes_FromStringAndSize($1, (Py_ssize_t)TYPE ## _ ## NAME ## _length(arg1)) : SWIG_Py_Void();
}
%enddef

%define HOMELAB_CONSTRUCTOR(TYPE, PARAMETERS, CALL)
TYPE PARAMETERS
{
    TYPE *made = NULL;
    CALL;
    return made;
}
%enddef

%typemap(in) const char * {
    if ($input != Py_None && !($1 = (char *)homelab_python_line($input)))
        SWIG_fail;
}
%typemap(freearg) const char * ""
%typemap(in) const char *path (PyObject *held = NULL) {
    if ($input != Py_None) {
        if (!PyUnicode_FSConverter($input, &held))
            SWIG_fail;
        $1 = PyBytes_AS_STRING(held);
    }
}
%typemap(freearg) const char *path "Py_XDECREF(held$argnum);"
%typemap(in) (const char *text, size_t length) {
    Py_ssize_t length = 0;
    if (PyBytes_Check($input)) {
        $1 = PyBytes_AS_STRING($input);
        length = PyBytes_GET_SIZE($input);
    } else if (!($1 = (char *)homelab_python_text($input, &length))) {
        SWIG_fail;
    }
    $2 = (size_t)length;
}
%typemap(out) const char * {
    $result = $1 ? PyUnicode_DecodeUTF8($1, (Py_ssize_t)strlen($1), NULL) : SWIG_Py_Void();
}
%typemap(out) char * {
    $result = $1 ? PyUnicode_DecodeUTF8($1, (Py_ssize_t)strlen($1), NULL) : SWIG_Py_Void();
}

/* A callable, or None for no callback. The library releases it, also when it refuses it. */
%define HOMELAB_CALLBACK(TYPE, TRAMPOLINE)
%typemap(in) (TYPE fn, void *userdata, homelab_destroy_fn destroy) {
    if ($input != Py_None && !PyCallable_Check($input)) {
        PyErr_Format(PyExc_TypeError, "expected a callable or None, found %.100s", Py_TYPE($input)->tp_name);
        SWIG_fail;
    }
    $1 = $input == Py_None ? NULL : TRAMPOLINE;
    $2 = $input == Py_None ? NULL : $input;
    $3 = $input == Py_None ? NULL : homelab_python_destroy;
}
%typemap(check) (TYPE fn, void *userdata, homelab_destroy_fn destroy) {
    Py_XINCREF((PyObject *)$2);
}
%enddef
HOMELAB_CALLBACK(homelab_log_fn, homelab_python_log)
HOMELAB_CALLBACK(homelab_secret_fn, homelab_python_secret)
HOMELAB_CALLBACK(homelab_classifier_fn, homelab_python_classify)

/* What two objects of one operation have in common. */
%extend homelab_op {
    bool is_same(const homelab_op *op)
    {
        return $self == op;
    }
}
