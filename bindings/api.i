/* Generated from the public headers by scripts/generate; do not edit. How each shape of a function is bound is said by the
 * macros in homelab.i, and by python.i and lua.i. */

HOMELAB_STATUS(add_maintenance)
HOMELAB_STATUS(answer)
HOMELAB_STATUS(cancel)
HOMELAB_STATUS(check_now)
HOMELAB_STATUS(close)
HOMELAB_STATUS(exclude)
HOMELAB_STATUS(finish)
HOMELAB_STATUS(homelab_classify_request)
HOMELAB_STATUS(homelab_classify_text)
HOMELAB_STATUS(homelab_testing_freeze_clock)
HOMELAB_STATUS(observe)
HOMELAB_STATUS(remove)
HOMELAB_STATUS(report)
HOMELAB_STATUS(set_affinity)
HOMELAB_STATUS(set_bool)
HOMELAB_STATUS(set_classifier)
HOMELAB_STATUS(set_draft)
HOMELAB_STATUS(set_header)
HOMELAB_STATUS(set_inventory)
HOMELAB_STATUS(set_kind)
HOMELAB_STATUS(set_log)
HOMELAB_STATUS(set_pin)
HOMELAB_STATUS(set_projector)
HOMELAB_STATUS(set_secret_provider)
HOMELAB_STATUS(set_string)
HOMELAB_STATUS(set_tag)
HOMELAB_STATUS(set_task)
HOMELAB_STATUS(set_tokens)
HOMELAB_STATUS(set_used)
HOMELAB_STATUS(start_thread)
HOMELAB_STATUS(wakeup)
HOMELAB_BYTES(homelab_event, data)
HOMELAB_BYTES(homelab_reply, body)
HOMELAB_OPTIONAL(homelab_classification)
HOMELAB_OPTIONAL(homelab_ctx)
HOMELAB_OPTIONAL(homelab_event)
HOMELAB_OPTIONAL(homelab_op)
HOMELAB_OPTIONAL(homelab_gguf)
HOMELAB_OPTIONAL(homelab_inventory)
HOMELAB_OPTIONAL(homelab_builder)
HOMELAB_OPTIONAL(homelab_report)
HOMELAB_OPTIONAL(homelab_opts)
HOMELAB_OPTIONAL(homelab_planner)
HOMELAB_OPTIONAL(homelab_plan)
HOMELAB_OPTIONAL(homelab_prober)
HOMELAB_OPTIONAL(homelab_reply)
HOMELAB_OPTIONAL(homelab_router)
HOMELAB_OPTIONAL(homelab_request)
HOMELAB_OPTIONAL(homelab_decision)
HOMELAB_OPTIONAL(homelab_secret_request)
HOMELAB_OPTIONAL(homelab_snapshot)
HOMELAB_OPTIONAL(homelab_estimate)
HOMELAB_OBJECT(homelab_classification, Classification, homelab_classification_free)
HOMELAB_OBJECT(homelab_ctx, Ctx, homelab_wrapped_end)
HOMELAB_OBJECT(homelab_event, Event, homelab_event_unref)
HOMELAB_OBJECT(homelab_op, Op, homelab_op_unref)
HOMELAB_OBJECT(homelab_gguf, Gguf, homelab_gguf_unref)
HOMELAB_OBJECT(homelab_inventory, Inventory, homelab_inventory_unref)
HOMELAB_OBJECT(homelab_builder, Builder, homelab_builder_free)
HOMELAB_OBJECT(homelab_report, Report, homelab_report_free)
HOMELAB_OBJECT(homelab_opts, Opts, homelab_opts_free)
HOMELAB_OBJECT(homelab_planner, Planner, homelab_planner_free)
HOMELAB_OBJECT(homelab_plan, Plan, homelab_plan_unref)
HOMELAB_OBJECT(homelab_prober, Prober, homelab_prober_unref)
HOMELAB_OBJECT(homelab_reply, Reply, homelab_reply_unref)
HOMELAB_OBJECT(homelab_router, Router, homelab_router_unref)
HOMELAB_OBJECT(homelab_request, Request, homelab_request_free)
HOMELAB_OBJECT(homelab_decision, Decision, homelab_decision_free)
HOMELAB_OBJECT(homelab_secret_request, SecretRequest, homelab_secret_request_unref)
HOMELAB_OBJECT(homelab_snapshot, Snapshot, homelab_snapshot_unref)
HOMELAB_OBJECT(homelab_estimate, Estimate, homelab_estimate_unref)
%constant int TASK_NONE = HOMELAB_TASK_NONE;
%constant int TASK_CODE = HOMELAB_TASK_CODE;
%constant int TASK_REASON = HOMELAB_TASK_REASON;
%constant int TASK_CHAT = HOMELAB_TASK_CHAT;
%constant int TASK_FAST = HOMELAB_TASK_FAST;
%constant int TASK_VISION = HOMELAB_TASK_VISION;
%constant int TASK_EMBED = HOMELAB_TASK_EMBED;
%constant int TASK_COUNT = HOMELAB_TASK_COUNT;
%constant int NEED_VISION = HOMELAB_NEED_VISION;
%constant int NEED_TOOLS = HOMELAB_NEED_TOOLS;
%constant int NEED_JSON = HOMELAB_NEED_JSON;
%constant int NEED_EMBEDDING = HOMELAB_NEED_EMBEDDING;
%constant int LOG_OFF = HOMELAB_LOG_OFF;
%constant int LOG_ERROR = HOMELAB_LOG_ERROR;
%constant int LOG_WARN = HOMELAB_LOG_WARN;
%constant int LOG_INFO = HOMELAB_LOG_INFO;
%constant int LOG_DEBUG = HOMELAB_LOG_DEBUG;
%constant int OK = HOMELAB_OK;
%constant int E_INVALID = HOMELAB_E_INVALID;
%constant int E_NOMEM = HOMELAB_E_NOMEM;
%constant int E_SYSTEM = HOMELAB_E_SYSTEM;
%constant int E_CLOSED = HOMELAB_E_CLOSED;
%constant int E_FORKED = HOMELAB_E_FORKED;
%constant int E_STATE = HOMELAB_E_STATE;
%constant int E_NOT_FOUND = HOMELAB_E_NOT_FOUND;
%constant int E_EXISTS = HOMELAB_E_EXISTS;
%constant int E_UNSUPPORTED = HOMELAB_E_UNSUPPORTED;
%constant int E_LIMIT = HOMELAB_E_LIMIT;
%constant int E_TIMEOUT = HOMELAB_E_TIMEOUT;
%constant int E_CANCELLED = HOMELAB_E_CANCELLED;
%constant int E_PENDING = HOMELAB_E_PENDING;
%constant int E_USER = HOMELAB_E_USER;
%constant int E_OPTION_UNKNOWN = HOMELAB_E_OPTION_UNKNOWN;
%constant int E_OPTION_VALUE = HOMELAB_E_OPTION_VALUE;
%constant int E_SYNTAX = HOMELAB_E_SYNTAX;
%constant int E_INVENTORY = HOMELAB_E_INVENTORY;
%constant int E_UTF8 = HOMELAB_E_UTF8;
%constant int E_FORMAT = HOMELAB_E_FORMAT;
%constant int E_NET_DNS = HOMELAB_E_NET_DNS;
%constant int E_NET_REFUSED = HOMELAB_E_NET_REFUSED;
%constant int E_NET_NO_ROUTE = HOMELAB_E_NET_NO_ROUTE;
%constant int E_NET_CONNECT_TIMEOUT = HOMELAB_E_NET_CONNECT_TIMEOUT;
%constant int E_NET_TIMEOUT = HOMELAB_E_NET_TIMEOUT;
%constant int E_NET_RESET = HOMELAB_E_NET_RESET;
%constant int E_NET_CLOSED = HOMELAB_E_NET_CLOSED;
%constant int E_NET_CERTIFICATE = HOMELAB_E_NET_CERTIFICATE;
%constant int E_NET_TLS = HOMELAB_E_NET_TLS;
%constant int E_NET_TOO_LARGE = HOMELAB_E_NET_TOO_LARGE;
%constant int E_NET_PROTOCOL = HOMELAB_E_NET_PROTOCOL;
%constant int E_SECRET_UNAVAILABLE = HOMELAB_E_SECRET_UNAVAILABLE;
%constant int E_SECRET_REFUSED = HOMELAB_E_SECRET_REFUSED;
%constant int E_ROUTE_NONE = HOMELAB_E_ROUTE_NONE;
%constant int E_ROUTE_FAILED = HOMELAB_E_ROUTE_FAILED;
%constant int E_ROUTE_REJECTED = HOMELAB_E_ROUTE_REJECTED;
%constant int E_ROUTE_CUT = HOMELAB_E_ROUTE_CUT;
%constant int EVENT_OVERFLOW = HOMELAB_EVENT_OVERFLOW;
%constant int EVENT_OP_DONE = HOMELAB_EVENT_OP_DONE;
%constant int EVENT_ENDPOINT = HOMELAB_EVENT_ENDPOINT;
%constant int EVENT_TIER = HOMELAB_EVENT_TIER;
%constant int EVENT_PROGNOSIS = HOMELAB_EVENT_PROGNOSIS;
%constant int EVENT_CAPABILITY = HOMELAB_EVENT_CAPABILITY;
%constant int EVENT_INVENTORY = HOMELAB_EVENT_INVENTORY;
%constant int EVENT_ANSWER = HOMELAB_EVENT_ANSWER;
%constant int EVENT_ATTEMPT = HOMELAB_EVENT_ATTEMPT;
%constant int GGUF_SOURCE_FILE = HOMELAB_GGUF_SOURCE_FILE;
%constant int GGUF_SOURCE_MEMORY = HOMELAB_GGUF_SOURCE_MEMORY;
%constant int GGUF_SOURCE_URL = HOMELAB_GGUF_SOURCE_URL;
%constant int GGUF_SOURCE_OLLAMA = HOMELAB_GGUF_SOURCE_OLLAMA;
%constant int GGUF_SOURCE_LLAMACPP = HOMELAB_GGUF_SOURCE_LLAMACPP;
%constant int FORMAT_JSON = HOMELAB_FORMAT_JSON;
%constant int FORMAT_YAML = HOMELAB_FORMAT_YAML;
%constant int FORMAT_AUTO = HOMELAB_FORMAT_AUTO;
%constant int BACKEND_AUTO = HOMELAB_BACKEND_AUTO;
%constant int BACKEND_OLLAMA = HOMELAB_BACKEND_OLLAMA;
%constant int BACKEND_LLAMACPP = HOMELAB_BACKEND_LLAMACPP;
%constant int BACKEND_LITELLM = HOMELAB_BACKEND_LITELLM;
%constant int BACKEND_VLLM = HOMELAB_BACKEND_VLLM;
%constant int BACKEND_LMSTUDIO = HOMELAB_BACKEND_LMSTUDIO;
%constant int BACKEND_TABBYAPI = HOMELAB_BACKEND_TABBYAPI;
%constant int BACKEND_LLAMASWAP = HOMELAB_BACKEND_LLAMASWAP;
%constant int BACKEND_OPENAI = HOMELAB_BACKEND_OPENAI;
%constant int BACKEND_HTTP = HOMELAB_BACKEND_HTTP;
%constant int BACKEND_TCP = HOMELAB_BACKEND_TCP;
%constant const char *OPT_CLASSIFY_ABSTAIN_BELOW = HOMELAB_OPT_CLASSIFY_ABSTAIN_BELOW;
%constant const char *OPT_DISPATCH_BUDGET_US = HOMELAB_OPT_DISPATCH_BUDGET_US;
%constant const char *OPT_GGUF_MAX_HEADER_BYTES = HOMELAB_OPT_GGUF_MAX_HEADER_BYTES;
%constant const char *OPT_GGUF_MAX_ITEMS = HOMELAB_OPT_GGUF_MAX_ITEMS;
%constant const char *OPT_GGUF_MAX_KEPT_BYTES = HOMELAB_OPT_GGUF_MAX_KEPT_BYTES;
%constant const char *OPT_GGUF_MAX_KEY_BYTES = HOMELAB_OPT_GGUF_MAX_KEY_BYTES;
%constant const char *OPT_GGUF_MAX_KEYS = HOMELAB_OPT_GGUF_MAX_KEYS;
%constant const char *OPT_GGUF_MAX_NAME_BYTES = HOMELAB_OPT_GGUF_MAX_NAME_BYTES;
%constant const char *OPT_GGUF_MAX_PARTS = HOMELAB_OPT_GGUF_MAX_PARTS;
%constant const char *OPT_GGUF_MAX_REDIRECTS = HOMELAB_OPT_GGUF_MAX_REDIRECTS;
%constant const char *OPT_GGUF_MAX_TENSORS = HOMELAB_OPT_GGUF_MAX_TENSORS;
%constant const char *OPT_GGUF_MAX_TEXT_BYTES = HOMELAB_OPT_GGUF_MAX_TEXT_BYTES;
%constant const char *OPT_HEALTH_DOWN_INTERVAL_MS = HOMELAB_OPT_HEALTH_DOWN_INTERVAL_MS;
%constant const char *OPT_HEALTH_FALL = HOMELAB_OPT_HEALTH_FALL;
%constant const char *OPT_HEALTH_FAST_INTERVAL_MS = HOMELAB_OPT_HEALTH_FAST_INTERVAL_MS;
%constant const char *OPT_HEALTH_FOREIGN_BACKENDS = HOMELAB_OPT_HEALTH_FOREIGN_BACKENDS;
%constant const char *OPT_HEALTH_HISTORY = HOMELAB_OPT_HEALTH_HISTORY;
%constant const char *OPT_HEALTH_INTERVAL_MS = HOMELAB_OPT_HEALTH_INTERVAL_MS;
%constant const char *OPT_HEALTH_JITTER = HOMELAB_OPT_HEALTH_JITTER;
%constant const char *OPT_HEALTH_PATIENCE_MS = HOMELAB_OPT_HEALTH_PATIENCE_MS;
%constant const char *OPT_HEALTH_RISE = HOMELAB_OPT_HEALTH_RISE;
%constant const char *OPT_HEALTH_SLOW_MS = HOMELAB_OPT_HEALTH_SLOW_MS;
%constant const char *OPT_HTTP_CA_FILE = HOMELAB_OPT_HTTP_CA_FILE;
%constant const char *OPT_HTTP_IDLE_MS = HOMELAB_OPT_HTTP_IDLE_MS;
%constant const char *OPT_HTTP_INSECURE = HOMELAB_OPT_HTTP_INSECURE;
%constant const char *OPT_HTTP_MAX_BODY = HOMELAB_OPT_HTTP_MAX_BODY;
%constant const char *OPT_HTTP_PROXY = HOMELAB_OPT_HTTP_PROXY;
%constant const char *OPT_INVENTORY_MAX_BYTES = HOMELAB_OPT_INVENTORY_MAX_BYTES;
%constant const char *OPT_INVENTORY_MAX_PROBLEMS = HOMELAB_OPT_INVENTORY_MAX_PROBLEMS;
%constant const char *OPT_JSON_MAX_DEPTH = HOMELAB_OPT_JSON_MAX_DEPTH;
%constant const char *OPT_LOG_RING = HOMELAB_OPT_LOG_RING;
%constant const char *OPT_PLAN_CONTEXT = HOMELAB_OPT_PLAN_CONTEXT;
%constant const char *OPT_PLAN_LEAST_SHARE = HOMELAB_OPT_PLAN_LEAST_SHARE;
%constant const char *OPT_PLAN_MAX_STEPS = HOMELAB_OPT_PLAN_MAX_STEPS;
%constant const char *OPT_PLAN_ROLES = HOMELAB_OPT_PLAN_ROLES;
%constant const char *OPT_PROBE_CANARY_TIMEOUT_MS = HOMELAB_OPT_PROBE_CANARY_TIMEOUT_MS;
%constant const char *OPT_PROBE_CONFIRM_MS = HOMELAB_OPT_PROBE_CONFIRM_MS;
%constant const char *OPT_PROBE_DEPTH = HOMELAB_OPT_PROBE_DEPTH;
%constant const char *OPT_PROBE_MAX_IN_FLIGHT = HOMELAB_OPT_PROBE_MAX_IN_FLIGHT;
%constant const char *OPT_PROBE_ONLY = HOMELAB_OPT_PROBE_ONLY;
%constant const char *OPT_QUEUE_EVENTS = HOMELAB_OPT_QUEUE_EVENTS;
%constant const char *OPT_ROUTER_AFFINITY_BAND = HOMELAB_OPT_ROUTER_AFFINITY_BAND;
%constant const char *OPT_ROUTER_AFFINITY_TTL_MS = HOMELAB_OPT_ROUTER_AFFINITY_TTL_MS;
%constant const char *OPT_ROUTER_BREAKER_FAILURES = HOMELAB_OPT_ROUTER_BREAKER_FAILURES;
%constant const char *OPT_ROUTER_BREAKER_MAX_MS = HOMELAB_OPT_ROUTER_BREAKER_MAX_MS;
%constant const char *OPT_ROUTER_BREAKER_OPEN_MS = HOMELAB_OPT_ROUTER_BREAKER_OPEN_MS;
%constant const char *OPT_ROUTER_BUFFER_BYTES = HOMELAB_OPT_ROUTER_BUFFER_BYTES;
%constant const char *OPT_ROUTER_CONNECT_MS = HOMELAB_OPT_ROUTER_CONNECT_MS;
%constant const char *OPT_ROUTER_FIRST_BYTE_MS = HOMELAB_OPT_ROUTER_FIRST_BYTE_MS;
%constant const char *OPT_ROUTER_MAX_ANSWER_BYTES = HOMELAB_OPT_ROUTER_MAX_ANSWER_BYTES;
%constant const char *OPT_ROUTER_MAX_REQUEST_BYTES = HOMELAB_OPT_ROUTER_MAX_REQUEST_BYTES;
%constant const char *OPT_ROUTER_PATIENCE = HOMELAB_OPT_ROUTER_PATIENCE;
%constant const char *OPT_ROUTER_SLOW_LOAD_BYTES = HOMELAB_OPT_ROUTER_SLOW_LOAD_BYTES;
%constant const char *OPT_ROUTER_STALL_MS = HOMELAB_OPT_ROUTER_STALL_MS;
%constant const char *OPT_ROUTER_TEMPERATURE = HOMELAB_OPT_ROUTER_TEMPERATURE;
%constant const char *OPT_ROUTER_TOP_K = HOMELAB_OPT_ROUTER_TOP_K;
%constant const char *OPT_ROUTER_TOTAL_MS = HOMELAB_OPT_ROUTER_TOTAL_MS;
%constant const char *OPT_VRAM_BATCH = HOMELAB_OPT_VRAM_BATCH;
%constant const char *OPT_VRAM_CONTEXT = HOMELAB_OPT_VRAM_CONTEXT;
%constant const char *OPT_VRAM_CPU_EXPERTS = HOMELAB_OPT_VRAM_CPU_EXPERTS;
%constant const char *OPT_VRAM_DEVICES = HOMELAB_OPT_VRAM_DEVICES;
%constant const char *OPT_VRAM_EMBEDDINGS = HOMELAB_OPT_VRAM_EMBEDDINGS;
%constant const char *OPT_VRAM_FIT_FIGURES = HOMELAB_OPT_VRAM_FIT_FIGURES;
%constant const char *OPT_VRAM_FLASH_ATTENTION = HOMELAB_OPT_VRAM_FLASH_ATTENTION;
%constant const char *OPT_VRAM_FREE_MIB = HOMELAB_OPT_VRAM_FREE_MIB;
%constant const char *OPT_VRAM_GPU_LAYERS = HOMELAB_OPT_VRAM_GPU_LAYERS;
%constant const char *OPT_VRAM_KV_OFFLOAD = HOMELAB_OPT_VRAM_KV_OFFLOAD;
%constant const char *OPT_VRAM_MARGIN_MIB = HOMELAB_OPT_VRAM_MARGIN_MIB;
%constant const char *OPT_VRAM_MIXED_KV = HOMELAB_OPT_VRAM_MIXED_KV;
%constant const char *OPT_VRAM_MMAP = HOMELAB_OPT_VRAM_MMAP;
%constant const char *OPT_VRAM_OP_OFFLOAD = HOMELAB_OPT_VRAM_OP_OFFLOAD;
%constant const char *OPT_VRAM_OUTPUTS = HOMELAB_OPT_VRAM_OUTPUTS;
%constant const char *OPT_VRAM_OVERHEAD_CUDA_MIB = HOMELAB_OPT_VRAM_OVERHEAD_CUDA_MIB;
%constant const char *OPT_VRAM_OVERHEAD_ROCM_MIB = HOMELAB_OPT_VRAM_OVERHEAD_ROCM_MIB;
%constant const char *OPT_VRAM_PARALLEL = HOMELAB_OPT_VRAM_PARALLEL;
%constant const char *OPT_VRAM_RUNTIME = HOMELAB_OPT_VRAM_RUNTIME;
%constant const char *OPT_VRAM_RUNTIME_DATE = HOMELAB_OPT_VRAM_RUNTIME_DATE;
%constant const char *OPT_VRAM_SWA_FULL = HOMELAB_OPT_VRAM_SWA_FULL;
%constant const char *OPT_VRAM_TENSOR_SPLIT = HOMELAB_OPT_VRAM_TENSOR_SPLIT;
%constant const char *OPT_VRAM_TYPE_K = HOMELAB_OPT_VRAM_TYPE_K;
%constant const char *OPT_VRAM_TYPE_V = HOMELAB_OPT_VRAM_TYPE_V;
%constant const char *OPT_VRAM_UBATCH = HOMELAB_OPT_VRAM_UBATCH;
%constant const char *OPT_VRAM_UNIFIED = HOMELAB_OPT_VRAM_UNIFIED;
%constant int OPTION_BOOL = HOMELAB_OPTION_BOOL;
%constant int OPTION_INT = HOMELAB_OPTION_INT;
%constant int OPTION_DOUBLE = HOMELAB_OPTION_DOUBLE;
%constant int OPTION_STRING = HOMELAB_OPTION_STRING;
%constant int PLAN_COMPLETE = HOMELAB_PLAN_COMPLETE;
%constant int PLAN_PARTIAL = HOMELAB_PLAN_PARTIAL;
%constant int PLAN_FAILED = HOMELAB_PLAN_FAILED;
%constant int OUTCOME_OK = HOMELAB_OUTCOME_OK;
%constant int OUTCOME_UNREACHABLE = HOMELAB_OUTCOME_UNREACHABLE;
%constant int OUTCOME_TIMEOUT = HOMELAB_OUTCOME_TIMEOUT;
%constant int OUTCOME_SERVER_ERROR = HOMELAB_OUTCOME_SERVER_ERROR;
%constant int OUTCOME_BUSY = HOMELAB_OUTCOME_BUSY;
%constant int REQUEST_TEXT = HOMELAB_REQUEST_TEXT;
%constant int REQUEST_OPENAI_CHAT = HOMELAB_REQUEST_OPENAI_CHAT;
%constant int REQUEST_OPENAI_EMBEDDINGS = HOMELAB_REQUEST_OPENAI_EMBEDDINGS;
%constant int REQUEST_OLLAMA_CHAT = HOMELAB_REQUEST_OLLAMA_CHAT;
%constant int REQUEST_OLLAMA_EMBED = HOMELAB_REQUEST_OLLAMA_EMBED;
%constant int DIALECT_OPENAI = HOMELAB_DIALECT_OPENAI;
%constant int DIALECT_OLLAMA = HOMELAB_DIALECT_OLLAMA;
%constant int REJECT_EXCLUDED = HOMELAB_REJECT_EXCLUDED;
%constant int REJECT_PIN = HOMELAB_REJECT_PIN;
%constant int REJECT_CAPABILITY = HOMELAB_REJECT_CAPABILITY;
%constant int REJECT_DIALECT = HOMELAB_REJECT_DIALECT;
%constant int REJECT_MISSING = HOMELAB_REJECT_MISSING;
%constant int REJECT_CONTEXT = HOMELAB_REJECT_CONTEXT;
%constant int REJECT_VERDICT = HOMELAB_REJECT_VERDICT;
%constant int REJECT_BREAKER = HOMELAB_REJECT_BREAKER;
%constant int TERM_PREFERENCE = HOMELAB_TERM_PREFERENCE;
%constant int TERM_TIER = HOMELAB_TERM_TIER;
%constant int TERM_HEALTH = HOMELAB_TERM_HEALTH;
%constant int TERM_LOAD = HOMELAB_TERM_LOAD;
%constant int TERM_QUEUE = HOMELAB_TERM_QUEUE;
%constant int TERM_LATENCY = HOMELAB_TERM_LATENCY;
%constant int TERM_SPEED = HOMELAB_TERM_SPEED;
%constant int TERM_COUNT = HOMELAB_TERM_COUNT;
%constant int DECIDE_EXPLAIN = HOMELAB_DECIDE_EXPLAIN;
%constant int OUTCOME_MODEL = HOMELAB_OUTCOME_MODEL;
%constant int OUTCOME_AUTH = HOMELAB_OUTCOME_AUTH;
%constant int OUTCOME_REJECTED = HOMELAB_OUTCOME_REJECTED;
%constant int OUTCOME_CANCELLED = HOMELAB_OUTCOME_CANCELLED;
%constant int SEND_RAW = HOMELAB_SEND_RAW;
%constant int SECRET_DONE = HOMELAB_SECRET_DONE;
%constant int SECRET_PASS = HOMELAB_SECRET_PASS;
%constant int SECRET_LATER = HOMELAB_SECRET_LATER;
%constant int SECRET_KIND_API_KEY = HOMELAB_SECRET_KIND_API_KEY;
%constant int VERDICT_UNKNOWN = HOMELAB_VERDICT_UNKNOWN;
%constant int VERDICT_HEALTHY = HOMELAB_VERDICT_HEALTHY;
%constant int VERDICT_DEGRADED = HOMELAB_VERDICT_DEGRADED;
%constant int VERDICT_LOADING = HOMELAB_VERDICT_LOADING;
%constant int VERDICT_BUSY = HOMELAB_VERDICT_BUSY;
%constant int VERDICT_MISCONFIGURED = HOMELAB_VERDICT_MISCONFIGURED;
%constant int VERDICT_WEDGED = HOMELAB_VERDICT_WEDGED;
%constant int VERDICT_DOWN = HOMELAB_VERDICT_DOWN;
%constant int CAUSE_NONE = HOMELAB_CAUSE_NONE;
%constant int CAUSE_SLEEPING = HOMELAB_CAUSE_SLEEPING;
%constant int CAUSE_SLOW = HOMELAB_CAUSE_SLOW;
%constant int CAUSE_MODEL_MISSING = HOMELAB_CAUSE_MODEL_MISSING;
%constant int CAUSE_CPU_FALLBACK = HOMELAB_CAUSE_CPU_FALLBACK;
%constant int CAUSE_BACKEND_DEAD = HOMELAB_CAUSE_BACKEND_DEAD;
%constant int CAUSE_CANARY_FAILED = HOMELAB_CAUSE_CANARY_FAILED;
%constant int CAUSE_FLAPPING = HOMELAB_CAUSE_FLAPPING;
%constant int CAUSE_LOADING = HOMELAB_CAUSE_LOADING;
%constant int CAUSE_BUSY = HOMELAB_CAUSE_BUSY;
%constant int CAUSE_TIMEOUT_AFTER_ACCEPT = HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT;
%constant int CAUSE_AUTH = HOMELAB_CAUSE_AUTH;
%constant int CAUSE_NOT_FOUND = HOMELAB_CAUSE_NOT_FOUND;
%constant int CAUSE_WRONG_BODY = HOMELAB_CAUSE_WRONG_BODY;
%constant int CAUSE_WRONG_BACKEND = HOMELAB_CAUSE_WRONG_BACKEND;
%constant int CAUSE_REDIRECT = HOMELAB_CAUSE_REDIRECT;
%constant int CAUSE_TOO_LARGE = HOMELAB_CAUSE_TOO_LARGE;
%constant int CAUSE_TLS = HOMELAB_CAUSE_TLS;
%constant int CAUSE_STALLED = HOMELAB_CAUSE_STALLED;
%constant int CAUSE_REFUSED = HOMELAB_CAUSE_REFUSED;
%constant int CAUSE_NO_ROUTE = HOMELAB_CAUSE_NO_ROUTE;
%constant int CAUSE_DNS = HOMELAB_CAUSE_DNS;
%constant int CAUSE_CONNECT_TIMEOUT = HOMELAB_CAUSE_CONNECT_TIMEOUT;
%constant int CAUSE_RESET = HOMELAB_CAUSE_RESET;
%constant int CAUSE_CLOSED = HOMELAB_CAUSE_CLOSED;
%constant int CAUSE_SERVER_ERROR = HOMELAB_CAUSE_SERVER_ERROR;
%constant int VERSION_MAJOR = HOMELAB_VERSION_MAJOR;
%constant int VERSION_MINOR = HOMELAB_VERSION_MINOR;
%constant int VERSION_PATCH = HOMELAB_VERSION_PATCH;
%constant const char *VERSION = HOMELAB_VERSION;
%constant int VERSION_NUMBER = HOMELAB_VERSION_NUMBER;
%constant int CONFIDENCE_EXACT = HOMELAB_CONFIDENCE_EXACT;
%constant int CONFIDENCE_BOUND = HOMELAB_CONFIDENCE_BOUND;

HOMELAB_WAITS(homelab_classification::homelab_classification)
HOMELAB_WAITS(homelab_classification::task)
HOMELAB_WAITS(homelab_classification::abstains)
HOMELAB_WAITS(homelab_classification::probability)
HOMELAB_WAITS(homelab_classification::confidence)
HOMELAB_WAITS(homelab_classification::needs)
HOMELAB_WAITS(homelab_classification::prompt_tokens)
HOMELAB_WAITS(homelab_classification::answer_tokens)
HOMELAB_WAITS(homelab_classification::context_tokens)
HOMELAB_WAITS(homelab_classification::decided_by)
HOMELAB_WAITS(homelab_classification::json)
%extend homelab_classification {
HOMELAB_CONSTRUCTOR(homelab_classification, (const homelab_opts *opts = NULL), homelab_classification_new(&made, opts))
int task(void);
bool abstains(void);
double probability(int task);
double confidence(void);
uint32_t needs(void);
int64_t prompt_tokens(void);
int64_t answer_tokens(void);
int64_t context_tokens(void);
const char *decided_by(void);
char *json(void);
}

HOMELAB_WAITS(homelab_ctx::homelab_ctx)
HOMELAB_WAITS(homelab_ctx::close)
HOMELAB_WAITS(homelab_ctx::fd)
HOMELAB_WAITS(homelab_ctx::timeout_ms)
HOMELAB_WAITS(homelab_ctx::dispatch)
%newobject homelab_ctx::wrapped_next_event;
%rename(next_event) homelab_ctx::wrapped_next_event;
HOMELAB_WAITS(homelab_ctx::wrapped_next_event)
HOMELAB_WAITS(homelab_ctx::wait)
HOMELAB_PLAIN(homelab_ctx::wakeup)
HOMELAB_WAITS(homelab_ctx::start_thread)
HOMELAB_WAITS(homelab_ctx::set_log)
HOMELAB_WAITS(homelab_ctx::log_text)
HOMELAB_WAITS(homelab_ctx::set_secret_provider)
HOMELAB_WAITS(homelab_ctx::stats_json)
%newobject homelab_ctx::wrapped_fetch_gguf;
%rename(fetch_gguf) homelab_ctx::wrapped_fetch_gguf;
HOMELAB_WAITS(homelab_ctx::wrapped_fetch_gguf)
%extend homelab_ctx {
HOMELAB_CONSTRUCTOR(homelab_ctx, (const homelab_opts *opts = NULL), homelab_ctx_new(&made, opts))
int close(void);
int fd(void);
int timeout_ms(void);
int dispatch(uint32_t flags = 0);
HOMELAB_MAKES(homelab_event, wrapped_next_event, (), homelab_ctx_next_event($self, &made))
int wait(int timeout_ms);
int wakeup(void);
int start_thread(void);
int set_log(int level, homelab_log_fn fn, void *userdata, homelab_destroy_fn destroy);
char *log_text(void);
int set_secret_provider(homelab_secret_fn fn, void *userdata, homelab_destroy_fn destroy);
char *stats_json(void);
HOMELAB_MAKES(homelab_op, wrapped_fetch_gguf, (const char *url, int timeout_ms, const homelab_opts *opts = NULL, uint32_t flags = 0), homelab_ctx_fetch_gguf($self, url, timeout_ms, opts, flags, &made))
}

%newobject homelab_event::wrapped_op;
%rename(op) homelab_event::wrapped_op;
HOMELAB_WAITS(homelab_event::json)
%extend homelab_event {
int type(void);
int64_t time_us(void);
int64_t generation(void);
const char *subject(void);
int before(void);
int after(void);
int cause(void);
const char *text(void);
const char *data(void);
size_t data_length(void);
HOMELAB_LENDS(homelab_op, wrapped_op, (), homelab_event_op($self))
char *json(void);
}

HOMELAB_WAITS(homelab_op::cancel)
HOMELAB_WAITS(homelab_op::is_done)
HOMELAB_WAITS(homelab_op::result)
HOMELAB_WAITS(homelab_op::message)
%extend homelab_op {
int cancel(void);
bool is_done(void);
int result(void);
const char *message(void);
}

%newobject homelab_gguf::wrapped_load_file;
%rename(load_file) homelab_gguf::wrapped_load_file;
HOMELAB_WAITS(homelab_gguf::wrapped_load_file)
%newobject homelab_gguf::wrapped_load_memory;
%rename(load_memory) homelab_gguf::wrapped_load_memory;
HOMELAB_WAITS(homelab_gguf::wrapped_load_memory)
%newobject homelab_gguf::wrapped_load_show;
%rename(load_show) homelab_gguf::wrapped_load_show;
HOMELAB_WAITS(homelab_gguf::wrapped_load_show)
%newobject homelab_gguf::wrapped_load_models;
%rename(load_models) homelab_gguf::wrapped_load_models;
HOMELAB_WAITS(homelab_gguf::wrapped_load_models)
%newobject homelab_gguf::wrapped_take;
%rename(take) homelab_gguf::wrapped_take;
HOMELAB_WAITS(homelab_gguf::wrapped_take)
%newobject homelab_gguf::wrapped_load_url;
%rename(load_url) homelab_gguf::wrapped_load_url;
HOMELAB_WAITS(homelab_gguf::wrapped_load_url)
HOMELAB_WAITS(homelab_gguf::json)
%extend homelab_gguf {
static HOMELAB_MAKES(homelab_gguf, wrapped_load_file, (const char *path, const homelab_opts *opts = NULL), homelab_gguf_load_file(&made, path, opts))
%apply const char *HOMELAB_MAYBE { const char *name }
static HOMELAB_MAKES(homelab_gguf, wrapped_load_memory, (const char *text, size_t length, const char *name = NULL, const homelab_opts *opts = NULL), homelab_gguf_load_memory(&made, text, length, name, opts))
%clear const char *name;
static HOMELAB_MAKES(homelab_gguf, wrapped_load_show, (const char *text, size_t length, const homelab_opts *opts = NULL), homelab_gguf_load_show(&made, text, length, opts))
%apply const char *HOMELAB_MAYBE { const char *model }
static HOMELAB_MAKES(homelab_gguf, wrapped_load_models, (const char *text, size_t length, const char *model = NULL, const homelab_opts *opts = NULL), homelab_gguf_load_models(&made, text, length, model, opts))
%clear const char *model;
static HOMELAB_MAKES(homelab_gguf, wrapped_take, (const homelab_op *op), homelab_gguf_take(&made, op))
static HOMELAB_MAKES(homelab_gguf, wrapped_load_url, (homelab_ctx *ctx, const char *url, int timeout_ms, const homelab_opts *opts = NULL), homelab_gguf_load_url(&made, ctx, url, timeout_ms, opts))
int source(void);
bool is_certain(void);
int version(void);
bool is_big_endian(void);
int64_t alignment(void);
int64_t data_offset(void);
int64_t tensor_total_bytes(void);
int64_t file_bytes(void);
bool is_complete(void);
size_t part_count(void);
const char *architecture(void);
const char *name(void);
int64_t file_type(void);
int64_t layer_count(void);
int64_t trained_context(void);
int64_t embedding_length(void);
int64_t vocabulary_size(void);
size_t key_count(void);
const char *key_name(size_t i);
int64_t key_find(const char *name);
int key_type(size_t i);
bool key_is_array(size_t i);
uint64_t key_length(size_t i);
int64_t key_int(size_t i, size_t item, int64_t other);
double key_double(size_t i, size_t item, double other);
const char *key_text(size_t i);
size_t tensor_count(void);
const char *tensor_name(size_t i);
int64_t tensor_find(const char *name);
int tensor_type(size_t i);
const char *tensor_type_name(size_t i);
int64_t tensor_elements(size_t i, size_t dimension);
int64_t tensor_bytes(size_t i);
int64_t tensor_offset(size_t i);
size_t tensor_part(size_t i);
char *json(void);
}

%newobject homelab_inventory::wrapped_load_file;
%rename(load_file) homelab_inventory::wrapped_load_file;
HOMELAB_WAITS(homelab_inventory::wrapped_load_file)
%newobject homelab_inventory::wrapped_load_text;
%rename(load_text) homelab_inventory::wrapped_load_text;
HOMELAB_WAITS(homelab_inventory::wrapped_load_text)
HOMELAB_WAITS(homelab_inventory::write)
%extend homelab_inventory {
static HOMELAB_MAKES(homelab_inventory, wrapped_load_file, (const char *path, const homelab_opts *opts = NULL), homelab_inventory_load_file(&made, path, opts))
%apply const char *HOMELAB_MAYBE { const char *name }
static HOMELAB_MAKES(homelab_inventory, wrapped_load_text, (const char *text, size_t length, int format, const char *name = NULL, const homelab_opts *opts = NULL), homelab_inventory_load_text(&made, text, length, format, name, opts))
%clear const char *name;
char *write(int format);
size_t tier_count(void);
const char *tier_name(size_t i);
size_t node_count(void);
const char *node_id(size_t i);
const char *node_host(size_t i);
const char *node_os(size_t i);
int64_t node_ram_bytes(size_t i);
size_t gpu_count(size_t node);
const char *gpu_name(size_t node, size_t gpu);
int64_t gpu_memory_bytes(size_t node, size_t gpu);
int64_t gpu_bandwidth_bytes(size_t node, size_t gpu);
size_t endpoint_count(void);
int endpoint_find(const char *id);
const char *endpoint_id(size_t i);
const char *endpoint_url(size_t i);
const char *endpoint_tier(size_t i);
const char *endpoint_node(size_t i);
int endpoint_backend(size_t i);
int64_t endpoint_timeout_ms(size_t i);
size_t container_count(void);
const char *container_name(size_t i);
const char *container_node(size_t i);
size_t model_count(void);
const char *model_name(size_t i);
const char *model_file(size_t i);
const char *model_mmproj(size_t i);
const char *model_draft(size_t i);
}

HOMELAB_WAITS(homelab_builder::homelab_builder)
%newobject homelab_builder::wrapped_build;
%rename(build) homelab_builder::wrapped_build;
HOMELAB_WAITS(homelab_builder::wrapped_build)
%extend homelab_builder {
%apply const homelab_inventory *HOMELAB_MAYBE { const homelab_inventory *from }
HOMELAB_CONSTRUCTOR(homelab_builder, (const homelab_inventory *from = NULL, const homelab_opts *opts = NULL), homelab_builder_new(&made, from, opts))
%clear const homelab_inventory *from;
int set_string(const char *section, const char *id, const char *key, const char *value);
int set_number(const char *section, const char *id, const char *key, double value);
int set_bool(const char *section, const char *id, const char *key, bool value);
%apply const char *HOMELAB_MAYBE { const char *key }
int remove(const char *section, const char *id, const char *key = NULL);
%clear const char *key;
HOMELAB_MAKES(homelab_inventory, wrapped_build, (), homelab_builder_build($self, &made))
}

%newobject homelab_report::wrapped_file;
%rename(file) homelab_report::wrapped_file;
HOMELAB_WAITS(homelab_report::wrapped_file)
%newobject homelab_report::wrapped_text;
%rename(text) homelab_report::wrapped_text;
HOMELAB_WAITS(homelab_report::wrapped_text)
%extend homelab_report {
static HOMELAB_MAKES(homelab_report, wrapped_file, (const char *path, const homelab_opts *opts = NULL), homelab_report_file(&made, path, opts))
%apply const char *HOMELAB_MAYBE { const char *name }
static HOMELAB_MAKES(homelab_report, wrapped_text, (const char *text, size_t length, int format, const char *name = NULL, const homelab_opts *opts = NULL), homelab_report_text(&made, text, length, format, name, opts))
%clear const char *name;
size_t count(void);
int line(size_t i);
int column(size_t i);
const char *path(size_t i);
const char *message(size_t i);
}

HOMELAB_WAITS(homelab_opts::homelab_opts)
%extend homelab_opts {
HOMELAB_CONSTRUCTOR(homelab_opts, (), homelab_opts_new(&made))
int set_bool(const char *key, bool value);
int set_int(const char *key, int64_t value);
int set_double(const char *key, double value);
int set_string(const char *key, const char *value);
int set_text(const char *key, const char *text);
bool get_bool(const char *key);
int64_t get_int(const char *key);
double get_double(const char *key);
const char *get_string(const char *key);
}

HOMELAB_WAITS(homelab_planner::homelab_planner)
HOMELAB_WAITS(homelab_planner::set_header)
HOMELAB_WAITS(homelab_planner::set_projector)
HOMELAB_WAITS(homelab_planner::set_draft)
HOMELAB_WAITS(homelab_planner::set_used)
%newobject homelab_planner::wrapped_plan;
%rename(plan) homelab_planner::wrapped_plan;
HOMELAB_WAITS(homelab_planner::wrapped_plan)
%extend homelab_planner {
HOMELAB_CONSTRUCTOR(homelab_planner, (homelab_inventory *inventory, const homelab_opts *opts = NULL), homelab_planner_new(&made, inventory, opts))
int set_header(const char *model, homelab_gguf *gguf);
int set_projector(const char *model, homelab_gguf *gguf);
int set_draft(const char *model, homelab_gguf *gguf);
int set_used(const char *node, size_t gpu, int64_t used_bytes);
HOMELAB_MAKES(homelab_plan, wrapped_plan, (), homelab_planner_plan($self, &made))
}

HOMELAB_WAITS(homelab_plan::json)
HOMELAB_WAITS(homelab_plan::svg)
HOMELAB_WAITS(homelab_plan::diff)
%extend homelab_plan {
int status(void);
bool is_optimal(void);
size_t level_count(void);
int64_t level(size_t level);
int64_t bound(size_t level);
size_t device_count(void);
const char *device_id(size_t device);
const char *device_name(size_t device);
bool device_is_gpu(size_t device);
int64_t device_capacity(size_t device);
int64_t device_others(size_t device);
bool device_was_read(size_t device);
int64_t device_planned(size_t device);
size_t model_count(void);
const char *model_name(size_t i);
bool model_is_placed(size_t i);
bool model_on_cpu(size_t i);
int64_t model_layers(size_t i);
int64_t model_context(size_t i);
const char *model_kv(size_t i);
const char *model_why(size_t i);
size_t part_count(size_t i);
int part_device(size_t i, size_t part);
int64_t part_weights(size_t i, size_t part);
int64_t part_context(size_t i, size_t part);
int64_t part_compute(size_t i, size_t part);
int64_t part_overhead(size_t i, size_t part);
const char *model_llama_server(size_t i);
const char *model_docker(size_t i);
const char *model_ollama(size_t i);
char *json(void);
char *svg(void);
char *diff(const homelab_plan *before);
}

HOMELAB_WAITS(homelab_prober::homelab_prober)
HOMELAB_WAITS(homelab_prober::close)
%newobject homelab_prober::wrapped_check;
%rename(check) homelab_prober::wrapped_check;
HOMELAB_WAITS(homelab_prober::wrapped_check)
HOMELAB_WAITS(homelab_prober::check_now)
HOMELAB_WAITS(homelab_prober::start)
HOMELAB_WAITS(homelab_prober::stop)
%newobject homelab_prober::wrapped_snapshot;
%rename(snapshot) homelab_prober::wrapped_snapshot;
HOMELAB_WAITS(homelab_prober::wrapped_snapshot)
HOMELAB_WAITS(homelab_prober::set_inventory)
HOMELAB_WAITS(homelab_prober::observe)
HOMELAB_WAITS(homelab_prober::add_maintenance)
%extend homelab_prober {
HOMELAB_CONSTRUCTOR(homelab_prober, (homelab_ctx *ctx, homelab_inventory *inventory, const homelab_opts *opts = NULL), homelab_prober_new(&made, ctx, inventory, opts))
int close(void);
HOMELAB_MAKES(homelab_op, wrapped_check, (uint32_t flags = 0), homelab_prober_check($self, flags, &made))
int check_now(int timeout_ms);
int start(uint32_t flags = 0);
int stop(void);
HOMELAB_MAKES(homelab_snapshot, wrapped_snapshot, (), homelab_prober_snapshot($self, &made))
int set_inventory(homelab_inventory *inventory);
int observe(const char *endpoint, int outcome, int64_t elapsed_us);
int add_maintenance(const char *subject, int64_t from_us, int64_t until_us);
}

%newobject homelab_reply::wrapped_of;
%rename(of) homelab_reply::wrapped_of;
HOMELAB_WAITS(homelab_reply::wrapped_of)
%extend homelab_reply {
static HOMELAB_MAKES(homelab_reply, wrapped_of, (const homelab_op *op), homelab_reply_of(&made, op))
int status(void);
const char *endpoint(void);
const char *model(void);
const char *body(void);
size_t body_length(void);
const char *text(void);
const char *finish(void);
int64_t prompt_tokens(void);
int64_t answer_tokens(void);
int64_t first_byte_us(void);
int64_t total_us(void);
size_t attempt_count(void);
const char *attempt_endpoint(size_t i);
int attempt_outcome(size_t i);
const char *attempt_message(size_t i);
}

HOMELAB_WAITS(homelab_router::homelab_router)
HOMELAB_WAITS(homelab_router::update)
HOMELAB_WAITS(homelab_router::set_classifier)
HOMELAB_WAITS(homelab_router::expert_count)
HOMELAB_WAITS(homelab_router::decide)
HOMELAB_WAITS(homelab_router::begin)
HOMELAB_WAITS(homelab_router::finish)
HOMELAB_WAITS(homelab_router::report)
HOMELAB_WAITS(homelab_router::in_flight)
%newobject homelab_router::wrapped_send;
%rename(send) homelab_router::wrapped_send;
HOMELAB_WAITS(homelab_router::wrapped_send)
%extend homelab_router {
%apply homelab_snapshot *HOMELAB_MAYBE { homelab_snapshot *snapshot }
HOMELAB_CONSTRUCTOR(homelab_router, (homelab_inventory *inventory, homelab_snapshot *snapshot = NULL, const homelab_opts *opts = NULL), homelab_router_new(&made, inventory, snapshot, opts))
%clear homelab_snapshot *snapshot;
%apply homelab_inventory *HOMELAB_MAYBE { homelab_inventory *inventory }
%apply homelab_snapshot *HOMELAB_MAYBE { homelab_snapshot *snapshot }
int update(homelab_inventory *inventory = NULL, homelab_snapshot *snapshot = NULL);
%clear homelab_inventory *inventory;
%clear homelab_snapshot *snapshot;
#ifndef SWIGLUA
int set_classifier(homelab_classifier_fn fn, void *userdata, homelab_destroy_fn destroy);
#endif
size_t expert_count(void);
%apply const char *HOMELAB_MAYBE { const char *text }
int decide(const homelab_request *request, const char *text, size_t length, homelab_decision *decision, uint32_t flags = 0);
%clear const char *text;
int64_t begin(const homelab_decision *decision, size_t i);
int finish(int64_t ticket, int outcome, int64_t first_byte_us, int64_t total_us, int64_t tokens, int64_t retry_ms);
int report(homelab_prober *prober);
int in_flight(const char *endpoint);
HOMELAB_MAKES(homelab_op, wrapped_send, (homelab_ctx *ctx, const homelab_request *request, const char *text, size_t length, uint32_t flags = 0), homelab_router_send($self, ctx, request, text, length, flags, &made))
}

HOMELAB_WAITS(homelab_request::homelab_request)
HOMELAB_WAITS(homelab_request::reset)
HOMELAB_WAITS(homelab_request::set_kind)
HOMELAB_WAITS(homelab_request::set_task)
HOMELAB_WAITS(homelab_request::set_tag)
HOMELAB_WAITS(homelab_request::set_affinity)
HOMELAB_WAITS(homelab_request::set_pin)
HOMELAB_WAITS(homelab_request::exclude)
HOMELAB_WAITS(homelab_request::require)
HOMELAB_WAITS(homelab_request::set_tokens)
%extend homelab_request {
HOMELAB_CONSTRUCTOR(homelab_request, (const homelab_opts *opts = NULL), homelab_request_new(&made, opts))
int reset(void);
int set_kind(int kind);
int set_task(int task);
%apply const char *HOMELAB_MAYBE { const char *tag }
int set_tag(const char *tag = NULL);
%clear const char *tag;
%apply const char *HOMELAB_MAYBE { const char *key }
int set_affinity(const char *key = NULL);
%clear const char *key;
%apply const char *HOMELAB_MAYBE { const char *endpoint }
%apply const char *HOMELAB_MAYBE { const char *model }
int set_pin(const char *endpoint = NULL, const char *model = NULL);
%clear const char *endpoint;
%clear const char *model;
int exclude(const char *endpoint);
int require(uint32_t needs);
int set_tokens(int64_t context, int64_t answer);
}

HOMELAB_WAITS(homelab_decision::homelab_decision)
HOMELAB_WAITS(homelab_decision::task)
HOMELAB_WAITS(homelab_decision::task_source)
HOMELAB_WAITS(homelab_decision::mixed)
HOMELAB_WAITS(homelab_decision::probability)
HOMELAB_WAITS(homelab_decision::context)
HOMELAB_WAITS(homelab_decision::generation)
HOMELAB_WAITS(homelab_decision::count)
HOMELAB_WAITS(homelab_decision::eligible)
HOMELAB_WAITS(homelab_decision::endpoint)
HOMELAB_WAITS(homelab_decision::model)
HOMELAB_WAITS(homelab_decision::url)
HOMELAB_WAITS(homelab_decision::base_url)
HOMELAB_WAITS(homelab_decision::dialect)
HOMELAB_WAITS(homelab_decision::backend)
HOMELAB_WAITS(homelab_decision::tier)
HOMELAB_WAITS(homelab_decision::node)
HOMELAB_WAITS(homelab_decision::key_reference)
HOMELAB_WAITS(homelab_decision::weight)
HOMELAB_WAITS(homelab_decision::score)
HOMELAB_WAITS(homelab_decision::term)
HOMELAB_WAITS(homelab_decision::load_s)
HOMELAB_WAITS(homelab_decision::loaded)
HOMELAB_WAITS(homelab_decision::sticky)
HOMELAB_WAITS(homelab_decision::trial)
HOMELAB_WAITS(homelab_decision::connect_ms)
HOMELAB_WAITS(homelab_decision::first_byte_ms)
HOMELAB_WAITS(homelab_decision::stall_ms)
HOMELAB_WAITS(homelab_decision::total_ms)
HOMELAB_WAITS(homelab_decision::rewrite)
HOMELAB_WAITS(homelab_decision::reject_count)
HOMELAB_WAITS(homelab_decision::rejected_count)
HOMELAB_WAITS(homelab_decision::rejected_endpoint)
HOMELAB_WAITS(homelab_decision::rejected_model)
HOMELAB_WAITS(homelab_decision::rejected_why)
HOMELAB_WAITS(homelab_decision::retry_ms)
HOMELAB_WAITS(homelab_decision::json)
%extend homelab_decision {
HOMELAB_CONSTRUCTOR(homelab_decision, (homelab_router *router), homelab_decision_new(&made, router))
int task(void);
const char *task_source(void);
bool mixed(void);
double probability(int task);
int64_t context(void);
int64_t generation(void);
size_t count(void);
size_t eligible(void);
const char *endpoint(size_t i);
const char *model(size_t i);
const char *url(size_t i);
const char *base_url(size_t i);
int dialect(size_t i);
int backend(size_t i);
const char *tier(size_t i);
const char *node(size_t i);
const char *key_reference(size_t i);
double weight(size_t i);
double score(size_t i);
double term(size_t i, int term);
double load_s(size_t i);
int loaded(size_t i);
bool sticky(size_t i);
bool trial(size_t i);
int64_t connect_ms(size_t i);
int64_t first_byte_ms(size_t i);
int64_t stall_ms(size_t i);
int64_t total_ms(size_t i);
char *rewrite(size_t i, const char *text, size_t length);
size_t reject_count(int reject);
size_t rejected_count(void);
const char *rejected_endpoint(size_t i);
const char *rejected_model(size_t i);
int rejected_why(size_t i);
int64_t retry_ms(void);
char *json(void);
}

HOMELAB_WAITS(homelab_secret_request::kind)
HOMELAB_WAITS(homelab_secret_request::reference)
HOMELAB_WAITS(homelab_secret_request::subject)
HOMELAB_WAITS(homelab_secret_request::attempt)
HOMELAB_WAITS(homelab_secret_request::answer)
HOMELAB_WAITS(homelab_secret_request::refuse)
%extend homelab_secret_request {
int kind(void);
const char *reference(void);
const char *subject(void);
int attempt(void);
int answer(const char *secret);
%apply const char *HOMELAB_MAYBE { const char *reason }
int refuse(const char *reason = NULL);
%clear const char *reason;
}

%newobject homelab_snapshot::wrapped_parse;
%rename(parse) homelab_snapshot::wrapped_parse;
HOMELAB_WAITS(homelab_snapshot::wrapped_parse)
%newobject homelab_snapshot::wrapped_assume;
%rename(assume) homelab_snapshot::wrapped_assume;
HOMELAB_WAITS(homelab_snapshot::wrapped_assume)
%newobject homelab_snapshot::wrapped_without;
%rename(without) homelab_snapshot::wrapped_without;
HOMELAB_WAITS(homelab_snapshot::wrapped_without)
HOMELAB_WAITS(homelab_snapshot::json)
HOMELAB_WAITS(homelab_snapshot::prometheus)
%extend homelab_snapshot {
static HOMELAB_MAKES(homelab_snapshot, wrapped_parse, (const char *text, size_t length, const homelab_opts *opts = NULL), homelab_snapshot_parse(&made, text, length, opts))
static HOMELAB_MAKES(homelab_snapshot, wrapped_assume, (const homelab_inventory *inventory), homelab_snapshot_assume(&made, inventory))
static HOMELAB_MAKES(homelab_snapshot, wrapped_without, (const homelab_snapshot *snapshot, const char *nodes), homelab_snapshot_without(&made, snapshot, nodes))
int64_t generation(void);
int64_t time_us(void);
int verdict(void);
const char *text(void);
size_t capability_count(void);
const char *capability_name(size_t i);
size_t server_count(size_t capability);
int server_at(size_t capability, size_t j);
bool capability_lost(size_t i);
size_t tier_count(void);
const char *tier_name(size_t i);
int tier_verdict(size_t i);
const char *tier_text(size_t i);
size_t endpoint_count(void);
int endpoint_find(const char *id);
const char *endpoint_id(size_t i);
const char *endpoint_tier(size_t i);
const char *endpoint_node(size_t i);
int endpoint_backend(size_t i);
const char *endpoint_version(size_t i);
int endpoint_verdict(size_t i);
int endpoint_cause(size_t i);
const char *endpoint_text(size_t i);
int64_t endpoint_latency_us(size_t i);
int64_t endpoint_probed_us(size_t i);
int endpoint_slots(size_t i);
double endpoint_uptime(size_t i);
int64_t endpoint_percentile_us(size_t i, double percent);
bool endpoint_in_maintenance(size_t i);
size_t evidence_count(size_t endpoint);
const char *evidence_layer(size_t endpoint, size_t i);
int evidence_cause(size_t endpoint, size_t i);
int evidence_code(size_t endpoint, size_t i);
int64_t evidence_elapsed_us(size_t endpoint, size_t i);
const char *evidence_text(size_t endpoint, size_t i);
size_t model_count(size_t endpoint);
const char *model_name(size_t endpoint, size_t i);
int model_loaded(size_t endpoint, size_t i);
bool model_has(size_t endpoint, size_t i, const char *capability);
int64_t model_context(size_t endpoint, size_t i);
int64_t model_size_bytes(size_t endpoint, size_t i);
int64_t model_vram_bytes(size_t endpoint, size_t i);
char *json(void);
char *prometheus(void);
}

HOMELAB_WAITS(homelab_estimate::homelab_estimate)
%newobject homelab_estimate::wrapped_fit_layers;
%rename(fit_layers) homelab_estimate::wrapped_fit_layers;
HOMELAB_WAITS(homelab_estimate::wrapped_fit_layers)
%newobject homelab_estimate::wrapped_calibrate;
%rename(calibrate) homelab_estimate::wrapped_calibrate;
HOMELAB_WAITS(homelab_estimate::wrapped_calibrate)
HOMELAB_WAITS(homelab_estimate::json)
%extend homelab_estimate {
HOMELAB_CONSTRUCTOR(homelab_estimate, (const homelab_gguf *gguf, const homelab_opts *opts = NULL), homelab_estimate_new(&made, gguf, opts))
static HOMELAB_MAKES(homelab_estimate, wrapped_fit_layers, (const homelab_gguf *gguf, const homelab_opts *opts = NULL), homelab_estimate_fit_layers(&made, gguf, opts))
static HOMELAB_MAKES(homelab_estimate, wrapped_calibrate, (const homelab_estimate *estimate, size_t device, int64_t observed_bytes), homelab_estimate_calibrate(&made, estimate, device, observed_bytes))
int confidence(void);
int64_t gpu_layers(void);
size_t device_count(void);
const char *device_name(size_t device);
int64_t weights_bytes(size_t device);
int64_t context_bytes(size_t device);
int64_t compute_bytes(size_t device);
int64_t overhead_bytes(size_t device);
int64_t correction_bytes(size_t device);
int64_t total_bytes(size_t device);
int64_t output_buffer_bytes(void);
int64_t context_tokens(void);
int64_t slot_tokens(void);
bool flash_attention(void);
char *json(void);
}

%rename(task_name) homelab_task_name;
const char *homelab_task_name(int task);
%rename(task_find) homelab_task_find;
int homelab_task_find(const char *name);
%rename(classify_text) homelab_classify_text;
int homelab_classify_text(homelab_classification *self, const char *text, size_t length, uint32_t needs);
%rename(classify_request) homelab_classify_request;
%apply const char *HOMELAB_MAYBE { const char *target }
int homelab_classify_request(homelab_classification *self, const char *target, const char *text, size_t length, uint32_t needs);
%clear const char *target;
#ifndef SWIGLUA
HOMELAB_PLAIN(homelab_error_code)
%rename(error_code) homelab_error_code;
int homelab_error_code(void);
#endif
#ifndef SWIGLUA
HOMELAB_PLAIN(homelab_error_clear)
%rename(error_clear) homelab_error_clear;
void homelab_error_clear(void);
#endif
#ifndef SWIGLUA
HOMELAB_PLAIN(homelab_error_sub_code)
%rename(error_sub_code) homelab_error_sub_code;
int homelab_error_sub_code(void);
#endif
#ifndef SWIGLUA
HOMELAB_PLAIN(homelab_error_subject)
%rename(error_subject) homelab_error_subject;
const char *homelab_error_subject(void);
#endif
#ifndef SWIGLUA
HOMELAB_PLAIN(homelab_error_message)
%rename(error_message) homelab_error_message;
const char *homelab_error_message(void);
#endif
HOMELAB_PLAIN(homelab_error_name)
%rename(error_name) homelab_error_name;
const char *homelab_error_name(int code);
HOMELAB_PLAIN(homelab_error_is_retryable)
%rename(error_is_retryable) homelab_error_is_retryable;
bool homelab_error_is_retryable(int code);
HOMELAB_PLAIN(homelab_error_is_timeout)
%rename(error_is_timeout) homelab_error_is_timeout;
bool homelab_error_is_timeout(int code);
HOMELAB_PLAIN(homelab_error_is_auth)
%rename(error_is_auth) homelab_error_is_auth;
bool homelab_error_is_auth(int code);
%rename(gguf_file_type_name) homelab_gguf_file_type_name;
const char *homelab_gguf_file_type_name(int64_t file_type);
%rename(backend_name) homelab_backend_name;
const char *homelab_backend_name(int backend);
%rename(backend_from_name) homelab_backend_from_name;
int homelab_backend_from_name(const char *name);
%rename(option_count) homelab_option_count;
size_t homelab_option_count(void);
%rename(option_key) homelab_option_key;
const char *homelab_option_key(size_t i);
%rename(option_type) homelab_option_type;
int homelab_option_type(size_t i);
%rename(option_default) homelab_option_default;
const char *homelab_option_default(size_t i);
%rename(option_min) homelab_option_min;
double homelab_option_min(size_t i);
%rename(option_max) homelab_option_max;
double homelab_option_max(size_t i);
%rename(option_unit) homelab_option_unit;
const char *homelab_option_unit(size_t i);
%rename(option_text) homelab_option_text;
const char *homelab_option_text(size_t i);
%rename(option_since) homelab_option_since;
const char *homelab_option_since(size_t i);
%rename(reject_name) homelab_reject_name;
const char *homelab_reject_name(int reject);
%rename(term_name) homelab_term_name;
const char *homelab_term_name(int term);
%rename(verdict_name) homelab_verdict_name;
const char *homelab_verdict_name(int verdict);
%rename(cause_name) homelab_cause_name;
const char *homelab_cause_name(int cause);
HOMELAB_WAITS(homelab_testing_freeze_clock)
%rename(testing_freeze_clock) homelab_testing_freeze_clock;
int homelab_testing_freeze_clock(homelab_ctx *ctx, int64_t now_us, int64_t wall_us);
HOMELAB_WAITS(homelab_testing_advance_clock)
%rename(testing_advance_clock) homelab_testing_advance_clock;
int homelab_testing_advance_clock(homelab_ctx *ctx, int64_t by_us);
HOMELAB_WAITS(homelab_testing_next_timer_us)
%rename(testing_next_timer_us) homelab_testing_next_timer_us;
int64_t homelab_testing_next_timer_us(homelab_ctx *ctx);
HOMELAB_PLAIN(homelab_version)
%rename(version) homelab_version;
const char *homelab_version(void);
HOMELAB_PLAIN(homelab_version_number)
%rename(version_number) homelab_version_number;
int homelab_version_number(void);
%rename(confidence_name) homelab_confidence_name;
const char *homelab_confidence_name(int confidence);
