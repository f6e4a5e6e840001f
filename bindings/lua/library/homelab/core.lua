---@meta homelab.core
-- The module that SWIG generates, for the Lua language server. Generated from the public headers by scripts/generate; do not
-- edit.

---@class homelab.Object
local Object = {}

---Releases what the object holds at once; a collection does it otherwise. Later uses of it are errors.
function Object:release() end

---@class homelab.core
---@field classes table<string, table> The metatables of the classes by name
local core = {}

---Turns a JSON text into tables; null is nil.
---@param json string
---@return any value
---@return string? message
---@return integer? code
function core.decode(json) end

---No task.
core.TASK_NONE = 0

---Write, mend, explain or translate code, shell, SQL, developer tooling.
core.TASK_CODE = 1

---Mathematics and deduction in several steps with an answer that can be checked.
core.TASK_REASON = 2

---Open talk, writing, role play, advice, explanation, summary.
core.TASK_CHAT = 3

---A short request whose answer is one fact, number, term or line.
core.TASK_FAST = 4

---A prompt that belongs to an image.
core.TASK_VISION = 5

---Vectors instead of an answer.
core.TASK_EMBED = 6

---Number of tasks; they are 1 to this.
core.TASK_COUNT = 6

---The model must see images.
core.NEED_VISION = 1

---The model must call tools.
core.NEED_TOOLS = 2

---The answer must be JSON.
core.NEED_JSON = 4

---The model must make embeddings.
core.NEED_EMBEDDING = 8

---Log levels, most severe first.
core.LOG_OFF = 0

---Something failed that the library cannot work around.
core.LOG_ERROR = 10

---Something is wrong or unsafe, such as TLS verification switched off.
core.LOG_WARN = 20

---Milestones.
core.LOG_INFO = 30

---Every step.
core.LOG_DEBUG = 40

---Success.
core.OK = 0

---An argument is NULL, out of range, or carries unknown flag bits.
core.E_INVALID = -1

---Memory could not be allocated.
core.E_NOMEM = -2

---A system call failed; the sub-code is errno.
core.E_SYSTEM = -3

---The object was closed.
core.E_CLOSED = -4

---The object was made before a fork and this is the child.
core.E_FORKED = -5

---The call does not fit the object's state.
core.E_STATE = -6

---Nothing has that name.
core.E_NOT_FOUND = -7

---Something has that name already.
core.E_EXISTS = -8

---This build or platform cannot do it.
core.E_UNSUPPORTED = -9

---A documented limit would be exceeded.
core.E_LIMIT = -10

---The time given ran out.
core.E_TIMEOUT = -11

---The operation was cancelled.
core.E_CANCELLED = -12

---The operation has not ended yet.
core.E_PENDING = -13

---A callback of the host failed.
core.E_USER = -14

---No option has that key.
core.E_OPTION_UNKNOWN = -20

---An option's value is of the wrong type or out of range.
core.E_OPTION_VALUE = -21

---A text is not well-formed JSON or YAML.
core.E_SYNTAX = -22

---An inventory is well-formed but wrong.
core.E_INVENTORY = -23

---A text is not valid UTF-8.
core.E_UTF8 = -24

---A file or an answer is not in the format that was expected.
core.E_FORMAT = -25

---A name could not be resolved.
core.E_NET_DNS = -40

---The connection was refused.
core.E_NET_REFUSED = -41

---No route to the host or network.
core.E_NET_NO_ROUTE = -42

---No connection within the time given.
core.E_NET_CONNECT_TIMEOUT = -43

---Connected, but no (complete) answer within the time given.
core.E_NET_TIMEOUT = -44

---The connection was reset.
core.E_NET_RESET = -45

---The connection was closed before the answer was complete.
core.E_NET_CLOSED = -46

---The peer's certificate was not accepted.
core.E_NET_CERTIFICATE = -47

---The TLS handshake failed for another reason, such as a peer that does not speak TLS.
core.E_NET_TLS = -48

---The answer exceeds the size cap.
core.E_NET_TOO_LARGE = -49

---The answer is not the protocol that was expected.
core.E_NET_PROTOCOL = -50

---No provider answered the secret request.
core.E_SECRET_UNAVAILABLE = -60

---A provider refused the secret request.
core.E_SECRET_REFUSED = -61

---No model on any endpoint passed the filters.
core.E_ROUTE_NONE = -70

---Every candidate failed before it said anything.
core.E_ROUTE_FAILED = -71

---A server refused the request itself; the sub-code is its HTTP status.
core.E_ROUTE_REJECTED = -72

---The answer broke off after its first byte.
core.E_ROUTE_CUT = -73

---Events were dropped because the queue was full (option `queue.events`) or memory was short; event_after() is how
---many. It stands where they would have stood.
core.EVENT_OVERFLOW = 1

---An operation completed; event_op() is it, event_after() its result and event_text() its message. Never dropped.
core.EVENT_OP_DONE = 2

---An endpoint's verdict or cause changed; the subject is its id.
core.EVENT_ENDPOINT = 20

---A tier's verdict changed; the subject is its name.
core.EVENT_TIER = 21

---The overall prognosis changed.
core.EVENT_PROGNOSIS = 22

---A capability was lost or came back; the subject is its name.
core.EVENT_CAPABILITY = 23

---A running prober took a changed inventory.
core.EVENT_INVENTORY = 24

---A piece of an answer arrived for router_send(): event_data() is it, event_op() the operation. Never dropped: while
---option `router.buffer_bytes` of them wait, no more is read.
core.EVENT_ANSWER = 30

---router_send() turns to an endpoint: the subject is its id, the text the model, event_after() the number of the
---attempt, from 1.
core.EVENT_ATTEMPT = 31

---Read from a file.
core.GGUF_SOURCE_FILE = 0

---Read from memory.
core.GGUF_SOURCE_MEMORY = 1

---Read over HTTP.
core.GGUF_SOURCE_URL = 2

---Put together from Ollama's `/api/show`.
core.GGUF_SOURCE_OLLAMA = 3

---Put together from llama.cpp's `/v1/models`.
core.GGUF_SOURCE_LLAMACPP = 4

---The text is JSON (RFC 8259).
core.FORMAT_JSON = 1

---The text is YAML 1.1, one document, without aliases and tags.
core.FORMAT_YAML = 2

---JSON when the first character that is not white space is `{`, else YAML.
core.FORMAT_AUTO = 0

---The endpoint's backend is told from its path and answers.
core.BACKEND_AUTO = 0

---Ollama.
core.BACKEND_OLLAMA = 1

---llama.cpp's llama-server, also in router mode.
core.BACKEND_LLAMACPP = 2

---LiteLLM proxy.
core.BACKEND_LITELLM = 3

---vLLM.
core.BACKEND_VLLM = 4

---LM Studio.
core.BACKEND_LMSTUDIO = 5

---TabbyAPI.
core.BACKEND_TABBYAPI = 6

---llama-swap.
core.BACKEND_LLAMASWAP = 7

---Any other server with OpenAI's `/v1/models`.
core.BACKEND_OPENAI = 8

---Plain HTTP: a 2xx answer to the URL is all that is looked at.
core.BACKEND_HTTP = 9

---Plain TCP: an accepted connection is all that is looked at.
core.BACKEND_TCP = 10

---Confidence below which a classification abstains, so that the default task is taken. (number, 0 to 1 probability,
---default 0.4)
core.OPT_CLASSIFY_ABSTAIN_BELOW = "classify.abstain_below"

---Time after which a dispatch leaves the rest for the next one. (integer, 100 to 1000000 us, default 2000)
core.OPT_DISPATCH_BUDGET_US = "dispatch.budget_us"

---Largest GGUF header, vocabulary and all. (integer, 1024 to 4294967296 bytes, default 268435456)
core.OPT_GGUF_MAX_HEADER_BYTES = "gguf.max_header_bytes"

---Longest array of numbers that is kept, such as one number a layer; longer ones are counted. (integer, 0 to 65536
---items, default 4096)
core.OPT_GGUF_MAX_ITEMS = "gguf.max_items"

---Most memory for the metadata keys and values of a GGUF file. (integer, 4096 to 1073741824 bytes, default 8388608)
core.OPT_GGUF_MAX_KEPT_BYTES = "gguf.max_kept_bytes"

---Longest name of a metadata key. (integer, 16 to 32768 bytes, default 1024)
core.OPT_GGUF_MAX_KEY_BYTES = "gguf.max_key_bytes"

---Most metadata keys of a GGUF file. (integer, 1 to 1000000 keys, default 65536)
core.OPT_GGUF_MAX_KEYS = "gguf.max_keys"

---Longest name of a tensor; llama.cpp takes 63. (integer, 1 to 1024 bytes, default 63)
core.OPT_GGUF_MAX_NAME_BYTES = "gguf.max_name_bytes"

---Most files of one model. (integer, 1 to 65535 files, default 1024)
core.OPT_GGUF_MAX_PARTS = "gguf.max_parts"

---Most redirects followed when a GGUF file is read over HTTP; never from https to http. (integer, 0 to 20 redirects,
---default 5)
core.OPT_GGUF_MAX_REDIRECTS = "gguf.max_redirects"

---Most tensors of a model, all parts together. (integer, 1 to 10000000 tensors, default 131072)
core.OPT_GGUF_MAX_TENSORS = "gguf.max_tensors"

---Longest text value that is kept; longer ones, such as chat templates, are passed over. (integer, 0 to 32768 bytes,
---default 4096)
core.OPT_GGUF_MAX_TEXT_BYTES = "gguf.max_text_bytes"

---Time between probes of an endpoint that is steadily down. (integer, 100 to 86400000 ms, default 30000)
core.OPT_HEALTH_DOWN_INTERVAL_MS = "health.down_interval_ms"

---Bad probes in a row after which a monitor calls a usable endpoint down. (integer, 1 to 100 probes, default 2)
core.OPT_HEALTH_FALL = "health.fall"

---Time between probes while the state is changing or unclear. (integer, 100 to 86400000 ms, default 2000)
core.OPT_HEALTH_FAST_INTERVAL_MS = "health.fast_interval_ms"

---Try a gateway's backends also where they are on hosts outside the inventory. (boolean, default false)
core.OPT_HEALTH_FOREIGN_BACKENDS = "health.foreign_backends"

---Probes per endpoint kept for uptime and latency percentiles. (integer, 16 to 100000 probes, default 512)
core.OPT_HEALTH_HISTORY = "health.history"

---Time between probes of an endpoint in a steady good state. (integer, 100 to 86400000 ms, default 15000)
core.OPT_HEALTH_INTERVAL_MS = "health.interval_ms"

---Share by which intervals vary, so that probes do not fall into step. (number, 0 to 0.5 share, default 0.1)
core.OPT_HEALTH_JITTER = "health.jitter"

---How long a busy or silent endpoint may show no progress before it is WEDGED; longer than its longest batch. (integer,
---1000 to 3600000 ms, default 90000)
core.OPT_HEALTH_PATIENCE_MS = "health.patience_ms"

---Good probes in a row after which a monitor calls a down endpoint usable again. (integer, 1 to 100 probes, default 2)
core.OPT_HEALTH_RISE = "health.rise"

---Latency above which an endpoint is DEGRADED as slow. (integer, 1 to 3600000 ms, default 1000)
core.OPT_HEALTH_SLOW_MS = "health.slow_ms"

---File with the certificates to trust; empty means the system's. (text, default empty)
core.OPT_HTTP_CA_FILE = "http.ca_file"

---How long an unused connection is kept for reuse. (integer, 0 to 3600000 ms, default 118000)
core.OPT_HTTP_IDLE_MS = "http.idle_ms"

---Accept any TLS certificate; each use is logged as a warning. (boolean, default false)
core.OPT_HTTP_INSECURE = "http.insecure"

---Largest body of an answer; a longer one ends the transfer. (integer, 1024 to 1073741824 bytes, default 4194304)
core.OPT_HTTP_MAX_BODY = "http.max_body_bytes"

---Proxy URL; empty means none, whatever the environment says. (text, default empty)
core.OPT_HTTP_PROXY = "http.proxy"

---Largest inventory text. (integer, 1024 to 268435456 bytes, default 16777216)
core.OPT_INVENTORY_MAX_BYTES = "inventory.max_bytes"

---Problems reported for one inventory before the rest is only counted. (integer, 1 to 10000 problems, default 100)
core.OPT_INVENTORY_MAX_PROBLEMS = "inventory.max_problems"

---Deepest nesting of a JSON answer or inventory. (integer, 4 to 512 levels, default 32)
core.OPT_JSON_MAX_DEPTH = "json.max_depth"

---Log lines kept for ctx_log_text(). (integer, 0 to 100000 lines, default 256)
core.OPT_LOG_RING = "log.ring"

---Context of models for which the inventory gives none, at most what they were trained with. (integer, 256 to 16777216
---tokens, default 8192)
core.OPT_PLAN_CONTEXT = "plan.context"

---Least share of a model's layers that a plan puts on GPUs, where the model could run on the CPU instead; 100 means all
---or none. (integer, 0 to 100 percent, default 25)
core.OPT_PLAN_LEAST_SHARE = "plan.least_share"

---Steps after which a search for a plan ends with the best found and a bound; the count of steps, not time, so that the
---same input gives the same plan. (integer, 1 to 1000000000000 steps, default 20000000)
core.OPT_PLAN_MAX_STEPS = "plan.max_steps"

---Roles that a plan must serve, separated by commas; empty means all that a model of the inventory has, none means
---none. (text, default empty)
core.OPT_PLAN_ROLES = "plan.roles"

---How long a canary waits before its answer counts as missing; the request itself is not cut short. (integer, 1000 to
---3600000 ms, default 120000)
core.OPT_PROBE_CANARY_TIMEOUT_MS = "probe.canary_timeout_ms"

---How long a sweep goes on looking at unclear endpoints, which is also its patience; 0 means not at all. (integer, 0 to
---3600000 ms, default 0)
core.OPT_PROBE_CONFIRM_MS = "probe.confirm_ms"

---Depth for all endpoints (tcp, http, scheduler, progress, canary); empty means what the inventory says. (text, default
---empty)
core.OPT_PROBE_DEPTH = "probe.depth"

---Probes under way at one time. (integer, 1 to 100000 probes, default 20000)
core.OPT_PROBE_MAX_IN_FLIGHT = "probe.max_in_flight"

---Ids of the endpoints to probe, separated by commas; empty means all. (text, default empty)
core.OPT_PROBE_ONLY = "probe.only"

---Events kept until they are taken; further ones are dropped and counted. (integer, 16 to 1000000 events, default 4096)
core.OPT_QUEUE_EVENTS = "queue.events"

---Candidates within so many points of the best one are as good: new affinity keys are spread over them, and weights
---share them out. (number, 0 to 100 points, default 0.5)
core.OPT_ROUTER_AFFINITY_BAND = "router.affinity_band"

---How long an affinity key keeps its expert without a request; 0 means that keys are not remembered. (integer, 0 to
---86400000 ms, default 1800000)
core.OPT_ROUTER_AFFINITY_TTL_MS = "router.affinity_ttl_ms"

---Failed requests in a row after which an endpoint or model gets no more for a while; when it cannot be reached, one is
---enough. (integer, 1 to 200 failures, default 3)
core.OPT_ROUTER_BREAKER_FAILURES = "router.breaker_failures"

---How long it gets at most. (integer, 1 to 86400000 ms, default 300000)
core.OPT_ROUTER_BREAKER_MAX_MS = "router.breaker_max_ms"

---How long that while is at first; it doubles with each failed trial. (integer, 1 to 3600000 ms, default 5000)
core.OPT_ROUTER_BREAKER_OPEN_MS = "router.breaker_open_ms"

---Pieces of answers that wait to be taken before no more is read. (integer, 1024 to 1073741824 bytes, default 1048576)
core.OPT_ROUTER_BUFFER_BYTES = "router.buffer_bytes"

---How long a request waits for its connection. (integer, 1 to 3600000 ms, default 5000)
core.OPT_ROUTER_CONNECT_MS = "router.connect_ms"

---How long a request to a loaded model waits for the first byte of its answer; time for loading is added where it is
---not loaded. (integer, 1 to 86400000 ms, default 120000)
core.OPT_ROUTER_FIRST_BYTE_MS = "router.first_byte_ms"

---Largest answer that is not streamed, and longest line of a stream. (integer, 1024 to 1073741824 bytes, default
---67108864)
core.OPT_ROUTER_MAX_ANSWER_BYTES = "router.max_answer_bytes"

---Largest body of a request that is sent. (integer, 1024 to 1073741824 bytes, default 67108864)
core.OPT_ROUTER_MAX_REQUEST_BYTES = "router.max_request_bytes"

---How much longer than usual to wait for a preferred model: a step of preference is worth so many times the task's
---seconds. (number, 0.01 to 100, default 1)
core.OPT_ROUTER_PATIENCE = "router.patience"

---Slowest rate at which a model is read that a time-out must have room for; bind mounts of Docker Desktop reach about
---20 MB a second. (integer, 1000000 to 100000000000 bytes a second, default 20000000)
core.OPT_ROUTER_SLOW_LOAD_BYTES = "router.slow_load_bytes"

---How long a request waits between two pieces of its answer. (integer, 1 to 86400000 ms, default 60000)
core.OPT_ROUTER_STALL_MS = "router.stall_ms"

---Temperature of the gate: the higher it is, the more even are the candidates' weights. (number, 0.01 to 100 points,
---default 1)
core.OPT_ROUTER_TEMPERATURE = "router.temperature"

---Candidates that a decision keeps, best first, and among which the gate shares its weights. (integer, 1 to 16 experts,
---default 4)
core.OPT_ROUTER_TOP_K = "router.top_k"

---How long a whole request may take, with all its attempts. (integer, 1 to 86400000 ms, default 3600000)
core.OPT_ROUTER_TOTAL_MS = "router.total_ms"

---Logical batch. (integer, 1 to 1048576 tokens, default 2048)
core.OPT_VRAM_BATCH = "vram.batch"

---Context: of all slots together for llama.cpp, of each for ollama; 0 means the runtime's default. (integer, 0 to
---2147483647 tokens, default 0)
core.OPT_VRAM_CONTEXT = "vram.context"

---First layers whose experts stay on the CPU. (integer, 0 to 100000 layers, default 0)
core.OPT_VRAM_CPU_EXPERTS = "vram.cpu_experts"

---Devices of an estimate in llama.cpp's order, separated by commas: cuda or cuda:8.9 with the compute capability, rocm,
---rpc or rpc:HOST:PORT; empty means the CPU alone. (text, default cuda)
core.OPT_VRAM_DEVICES = "vram.devices"

---The server makes embeddings. (boolean, default false)
core.OPT_VRAM_EMBEDDINGS = "vram.embeddings"

---Give the figures that llama.cpp's own memory fit works with, which differ from what it takes on later devices.
---(boolean, default false)
core.OPT_VRAM_FIT_FIGURES = "vram.fit_figures"

---Flash attention: auto, on or off. (text, default auto)
core.OPT_VRAM_FLASH_ATTENTION = "vram.flash_attention"

---Free memory of each device, such as 24000,8000; empty means equal. (text, default empty)
core.OPT_VRAM_FREE_MIB = "vram.free_mib"

---Layers on devices, the output layer included; -1 means all. (integer, -1 to 100000 layers, default -1)
core.OPT_VRAM_GPU_LAYERS = "vram.gpu_layers"

---Keep caches on the devices of their layers. (boolean, default true)
core.OPT_VRAM_KV_OFFLOAD = "vram.kv_offload"

---Memory of each device that a fit leaves free; llama.cpp keeps 1024. (integer, 0 to 1048576 MiB, default 1024)
core.OPT_VRAM_MARGIN_MIB = "vram.margin_mib"

---CUDA was built with flash attention for all pairs of cache types. (boolean, default false)
core.OPT_VRAM_MIXED_KV = "vram.mixed_kv"

---The model file is mapped into memory instead of read. (boolean, default true)
core.OPT_VRAM_MMAP = "vram.mmap"

---Run large operators of layers on the CPU on a device. (boolean, default true)
core.OPT_VRAM_OP_OFFLOAD = "vram.op_offload"

---Tokens of a batch whose logits are read at most; -1 means as the server has it, one a slot and for embeddings the
---whole batch; 0 means the whole batch. (integer, -1 to 1048576 tokens, default -1)
core.OPT_VRAM_OUTPUTS = "vram.outputs"

---What a process takes on an NVIDIA device beside its buffers; 457 is what Ollama reserves, and an RTX 4090 was seen to
---take 451 to 456. (integer, 0 to 65536 MiB, default 457)
core.OPT_VRAM_OVERHEAD_CUDA_MIB = "vram.overhead_cuda_mib"

---What a process takes on an AMD device beside its buffers; not measured, so NVIDIA's figure stands. (integer, 0 to
---65536 MiB, default 457)
core.OPT_VRAM_OVERHEAD_ROCM_MIB = "vram.overhead_rocm_mib"

---Parallel slots; 0 means the runtime's default: 4 with one cache for llama.cpp, 1 for ollama. (integer, 0 to 256
---slots, default 0)
core.OPT_VRAM_PARALLEL = "vram.parallel"

---What runs the model: llama.cpp (its server) or ollama; decides the defaults of context and slots. (text, default
---llama.cpp)
core.OPT_VRAM_RUNTIME = "vram.runtime"

---Day of the runtime's llama.cpp as YYYY-MM-DD, for behaviour that changed since; empty means 2026-08-17, that of the
---build that all devices were measured on. (text, default empty)
core.OPT_VRAM_RUNTIME_DATE = "vram.runtime_date"

---Full caches also for layers that see a window only. (boolean, default false)
core.OPT_VRAM_SWA_FULL = "vram.swa_full"

---Shares of the layers for each device, such as 3,1; empty means by free memory. (text, default empty)
core.OPT_VRAM_TENSOR_SPLIT = "vram.tensor_split"

---Type of the cache of keys, such as f16 or q8_0. (text, default f16)
core.OPT_VRAM_TYPE_K = "vram.type_k"

---Type of the cache of values, such as f16 or q8_0. (text, default f16)
core.OPT_VRAM_TYPE_V = "vram.type_v"

---Physical batch, for which compute buffers are made. (integer, 1 to 1048576 tokens, default 512)
core.OPT_VRAM_UBATCH = "vram.ubatch"

---Whether slots share one cache: auto, on or off; auto is on where the slots are llama.cpp's default. (text, default
---auto)
core.OPT_VRAM_UNIFIED = "vram.unified"

---The option is a boolean.
core.OPTION_BOOL = 1

---The option is a 64-bit integer with a range.
core.OPTION_INT = 2

---The option is a double with a range.
core.OPTION_DOUBLE = 3

---The option is UTF-8 text.
core.OPTION_STRING = 4

---All models are placed.
core.PLAN_COMPLETE = 0

---Something optional is left out.
core.PLAN_PARTIAL = 1

---A required model is left out, or a role that must be served is not.
core.PLAN_FAILED = 2

---A request of the caller succeeded.
core.OUTCOME_OK = 0

---It could not connect.
core.OUTCOME_UNREACHABLE = 1

---It timed out after connecting.
core.OUTCOME_TIMEOUT = 2

---It was answered 5xx, or cut.
core.OUTCOME_SERVER_ERROR = 3

---It was answered 429 or Ollama's 503.
core.OUTCOME_BUSY = 4

---A prompt as plain text, for a chat model.
core.REQUEST_TEXT = 0

---The body of a request to OpenAI's `/v1/chat/completions`.
core.REQUEST_OPENAI_CHAT = 1

---The body of a request to OpenAI's `/v1/embeddings`.
core.REQUEST_OPENAI_EMBEDDINGS = 2

---The body of a request to Ollama's `/api/chat`.
core.REQUEST_OLLAMA_CHAT = 3

---The body of a request to Ollama's `/api/embed`.
core.REQUEST_OLLAMA_EMBED = 4

---OpenAI's API.
core.DIALECT_OPENAI = 1

---Ollama's own API.
core.DIALECT_OLLAMA = 2

---Its endpoint was excluded by the request.
core.REJECT_EXCLUDED = 1

---The request asked for another endpoint or model.
core.REJECT_PIN = 2

---It cannot do it: an image for a text model, a chat for an embedding model, …
core.REJECT_CAPABILITY = 3

---Its API has no such request.
core.REJECT_DIALECT = 4

---Its endpoint does not list the model.
core.REJECT_MISSING = 5

---The request is longer than its context.
core.REJECT_CONTEXT = 6

---Its endpoint is DOWN, WEDGED or MISCONFIGURED.
core.REJECT_VERDICT = 7

---It failed of late, see decision_retry_ms().
core.REJECT_BREAKER = 8

---The task's preference, or how well the model suits the task.
core.TERM_PREFERENCE = 0

---The order of tiers.
core.TERM_TIER = 1

---The endpoint's verdict.
core.TERM_HEALTH = 2

---Waiting for the model to be loaded.
core.TERM_LOAD = 3

---Waiting for requests that came before.
core.TERM_QUEUE = 4

---Waiting for the first byte.
core.TERM_LATENCY = 5

---Waiting for the answer's tokens.
core.TERM_SPEED = 6

---Number of terms.
core.TERM_COUNT = 7

---Fill in the list of rejected experts too.
core.DECIDE_EXPLAIN = 1

---It was answered that the model is not there or cannot be loaded.
core.OUTCOME_MODEL = 5

---The key was missing or refused.
core.OUTCOME_AUTH = 6

---The request itself was wrong; says nothing about the server.
core.OUTCOME_REJECTED = 7

---The caller gave up; says nothing about the server.
core.OUTCOME_CANCELLED = 8

---Pieces are the bytes of the body as they came, in place of the text that the model says; they may end amid a
---character.
core.SEND_RAW = 1

---The request was answered or refused.
core.SECRET_DONE = 0

---As if no provider were set: the built-in provider of the scheme is asked.
core.SECRET_PASS = 1

---The answer comes later; the provider holds a reference.
core.SECRET_LATER = 2

---The secret is an API key sent as a bearer token.
core.SECRET_KIND_API_KEY = 1

---Not probed yet.
core.VERDICT_UNKNOWN = 0

---Works as declared; a sleeping server counts, it wakes on use.
core.VERDICT_HEALTHY = 1

---Usable, but less than declared.
core.VERDICT_DEGRADED = 2

---Loads a model; usable later without help.
core.VERDICT_LOADING = 3

---Alive and occupied.
core.VERDICT_BUSY = 4

---Up, but it or the inventory is set up wrongly; a person must act.
core.VERDICT_MISCONFIGURED = 5

---Answers, but its work stands still.
core.VERDICT_WEDGED = 6

---Not usable.
core.VERDICT_DOWN = 7

---Nothing to report.
core.CAUSE_NONE = 0

---HEALTHY: put to sleep by its idle timer.
core.CAUSE_SLEEPING = 1

---DEGRADED: answers slower than option `health.slow_ms`.
core.CAUSE_SLOW = 10

---DEGRADED: a required model is not there.
core.CAUSE_MODEL_MISSING = 11

---DEGRADED: a loaded model is on the CPU though the node declares a GPU.
core.CAUSE_CPU_FALLBACK = 12

---DEGRADED or, for the only one, DOWN: a gateway's backend does not accept connections.
core.CAUSE_BACKEND_DEAD = 13

---DEGRADED: a canary request failed.
core.CAUSE_CANARY_FAILED = 14

---DEGRADED: fails now and then.
core.CAUSE_FLAPPING = 15

---LOADING: a model is being loaded.
core.CAUSE_LOADING = 20

---BUSY: says that it is busy (work in progress, 429, Ollama's 503).
core.CAUSE_BUSY = 30

---BUSY or, beyond the patience, WEDGED: accepted the connection, then silence.
core.CAUSE_TIMEOUT_AFTER_ACCEPT = 31

---MISCONFIGURED: credentials missing or refused.
core.CAUSE_AUTH = 40

---MISCONFIGURED: the path is not there.
core.CAUSE_NOT_FOUND = 41

---MISCONFIGURED: the body is not what this backend answers.
core.CAUSE_WRONG_BODY = 42

---MISCONFIGURED: another backend than the declared one answers.
core.CAUSE_WRONG_BACKEND = 43

---MISCONFIGURED: a redirect, which a probe does not follow.
core.CAUSE_REDIRECT = 44

---MISCONFIGURED: the answer exceeds option `http.max_body_bytes`.
core.CAUSE_TOO_LARGE = 45

---MISCONFIGURED: TLS where there is none or the other way round; DOWN: the certificate is refused.
core.CAUSE_TLS = 46

---WEDGED: work is in progress and no counter advances.
core.CAUSE_STALLED = 50

---DOWN: the connection is refused.
core.CAUSE_REFUSED = 60

---DOWN: no route to the host or network.
core.CAUSE_NO_ROUTE = 61

---DOWN: the name has no address.
core.CAUSE_DNS = 62

---DOWN: no connection within the time-out.
core.CAUSE_CONNECT_TIMEOUT = 63

---DOWN: the connection was reset.
core.CAUSE_RESET = 64

---DOWN: the connection was closed before the answer was complete.
core.CAUSE_CLOSED = 65

---DOWN: answers 5xx.
core.CAUSE_SERVER_ERROR = 66

---Version of these headers, major part.
core.VERSION_MAJOR = 0

---Version of these headers, minor part.
core.VERSION_MINOR = 2

---Version of these headers, patch part.
core.VERSION_PATCH = 0

---Version of these headers as text.
core.VERSION = "0.2.0"

---Version of these headers as one comparable number, major * 10000 + minor * 100 + patch.
core.VERSION_NUMBER = 200

---Worked out from the graph of a known architecture.
core.CONFIDENCE_EXACT = 0

---An upper bound: the architecture is unknown, or the facts come from a server that leaves some out
---(gguf_is_certain()).
core.CONFIDENCE_BOUND = 1

---What a request was found to be. Belongs to one thread at a time.
---@class homelab.Classification: homelab.Object
local Classification = {}

---The best task, also below the abstain threshold; TASK_NONE while nothing was classified.
---@return integer
function Classification:task() end

---Whether the confidence is below "classify.abstain_below", so that a caller had better use its default. False while
---nothing was classified.
---@return boolean
function Classification:abstains() end

---Probability of a task.
---@param task integer
---@return number
function Classification:probability(task) end

---Probability of the best task, 0 while nothing was classified.
---@return number
function Classification:confidence() end

---What the request needs: NEED_… bits.
---@return integer
function Classification:needs() end

---Estimated tokens of everything that goes in: all messages, tools, images. An estimate from bytes, on the high side:
---3.5 ASCII or 2.5 other bytes a token, 1,024 tokens an image.
---@return integer
function Classification:prompt_tokens() end

---Tokens that the request lets the answer have ("max_tokens" and its like), 0 when it does not say.
---@return integer
function Classification:answer_tokens() end

---The context that the request needs: prompt and answer tokens together.
---@return integer
function Classification:context_tokens() end

---What decided: "embedding", "image", "text", or "none". A static text.
---@return string?
function Classification:decided_by() end

---The classification as JSON, with a schema number. No text of the prompt stands in it.
---@return string?
---@return string? message
---@return integer? code
function Classification:json() end

---The same as plain tables; null is nil.
---@return table?
---@return string? message
---@return integer? code
function Classification:to_table() end

core.Classification = {}

---Makes an empty classification, to be filled any number of times.
---@param opts? homelab.Opts
---@return homelab.Classification?
---@return string? message
---@return integer? code
function core.Classification.new(opts) end

---An event loop with what it works on. Reference-counted.
---@class homelab.Ctx: homelab.Object
local Ctx = {}

---Stops all work: transfers end, operations complete with E_CLOSED, the thread is joined, descriptors close.
---Idempotent. Events already queued may still be taken. Afterwards calls that would do work give E_CLOSED.
---@return boolean?
---@return string? message
---@return integer? code
function Ctx:close() end

---The one descriptor to wait on: readable while ctx_dispatch() has something to do or an event was not taken. Constant
---until close.
---@return integer?
---@return string? message
---@return integer? code
function Ctx:fd() end

---How long a loop may wait without the descriptor becoming readable.
---@return integer
function Ctx:timeout_ms() end

---Does what is due, at most a slice of work under 5 ms; never blocks. What is left keeps the descriptor readable.
---@param flags? integer
---@return integer?
---@return string? message
---@return integer? code
function Ctx:dispatch(flags) end

---Takes the oldest event.
---@return homelab.Event?
---@return string? message
---@return integer? code
function Ctx:next_event() end

---Waits until there is an event to take, a wake-up or the time-out, dispatching meanwhile.
---@param timeout_ms integer
---@return integer?
---@return string? message
---@return integer? code
function Ctx:wait(timeout_ms) end

---Makes a running or the next ctx_wait() return. Any thread; async-signal-safe.
---@return boolean?
---@return string? message
---@return integer? code
function Ctx:wakeup() end

---Moves the work into a thread of the library.
---@return boolean?
---@return string? message
---@return integer? code
function Ctx:start_thread() end

---Hands log lines to the host.
---@param level integer
---@param fn? fun(level: integer, subsystem: string, message: string)
---@return boolean?
---@return string? message
---@return integer? code
function Ctx:set_log(level, fn) end

---The lines in the log ring, oldest first, one a line, such as `2026-01-31T12:00:00.123Z warn http: …` (UTC).
---@return string?
---@return string? message
---@return integer? code
function Ctx:log_text() end

---Sets who answers secret requests; the provider is asked before the built-in ones.
---@param fn? fun(request: homelab.SecretRequest): string|integer|boolean|nil, string?
---@return boolean?
---@return string? message
---@return integer? code
function Ctx:set_secret_provider(fn) end

---Counters of the context as JSON: dispatches, wake-ups, longest dispatch, transfers, connections, allocations.
---@return string?
---@return string? message
---@return integer? code
function Ctx:stats_json() end

---Starts reading a file from a web server, without its tensor data.
---@param url string
---@param timeout_ms integer
---@param opts? homelab.Opts
---@param flags? integer
---@return homelab.Op?
---@return string? message
---@return integer? code
function Ctx:fetch_gguf(url, timeout_ms, opts, flags) end

core.Ctx = {}

---Makes a context.
---@param opts? homelab.Opts
---@return homelab.Ctx?
---@return string? message
---@return integer? code
function core.Ctx.new(opts) end

---Something that happened. Immutable, reference-counted, any thread.
---@class homelab.Event: homelab.Object
local Event = {}

---Kind of the event, EVENT_…; 0 for NULL.
---@return integer
function Event:type() end

---Wall-clock time of the event, microseconds since 1970-01-01 UTC; 0 for NULL.
---@return integer
function Event:time_us() end

---Generation of the snapshot that first shows it; 0 where none does.
---@return integer
function Event:generation() end

---What it is about: an endpoint id, a tier, a capability; "" where nothing is named, NULL for NULL. Borrowed.
---@return string?
function Event:subject() end

---Value before: a VERDICT_ number, or 1 and 0 for a capability served and lost.
---@return integer
function Event:before() end

---Value after, as event_before(); the number of lost events of an overflow, the result of an operation.
---@return integer
function Event:after() end

---Cause after, a CAUSE_ number; 0 where it has none.
---@return integer
function Event:cause() end

---One line a person understands; "" where there is none, NULL for NULL. Borrowed.
---@return string?
function Event:text() end

---What a EVENT_ANSWER brought, event_data_length() bytes with a NUL behind them; "" for other events, NULL for NULL.
---Borrowed. It stands nowhere else, not in the event's JSON either.
---@return string?
function Event:data() end

---Number of bytes of event_data().
---@return integer
function Event:data_length() end

---The operation that completed or that a piece of an answer belongs to, borrowed from the event; NULL for other events.
---@return homelab.Op?
function Event:op() end

---The event as one JSON object.
---@return string?
---@return string? message
---@return integer? code
function Event:json() end

---The same as plain tables; null is nil.
---@return table?
---@return string? message
---@return integer? code
function Event:to_table() end

core.Event = {}

---Work that was started and will complete exactly once. Reference-counted; belongs to its context's thread.
---@class homelab.Op: homelab.Object
local Op = {}

---Asks the operation to end; it completes with E_CANCELLED unless it was done already.
---@return boolean?
---@return string? message
---@return integer? code
function Op:cancel() end

---Whether it completed.
---@return boolean
function Op:is_done() end

---Its result: OK, E_PENDING while it runs, or what it failed with.
---@return integer?
---@return string? message
---@return integer? code
function Op:result() end

---One line on its failure; "" while it runs or when it succeeded, NULL for NULL. Borrowed.
---@return string?
function Op:message() end

core.Op = {}

---A model's header. Immutable, reference-counted.
---@class homelab.Gguf: homelab.Object
local Gguf = {}

---GGUF_SOURCE_…; -1 for NULL.
---@return integer
function Gguf:source() end

---Whether it was read from the model itself. What a server told of a model lacks facts, and plans from it are less
---certain.
---@return boolean
function Gguf:is_certain() end

---Version of the format, 2 or 3; 0 where there is no file.
---@return integer
function Gguf:version() end

---Whether its numbers are stored with the most significant byte first.
---@return boolean
function Gguf:is_big_endian() end

---Bytes that tensors are aligned to in the file.
---@return integer
function Gguf:alignment() end

---Offset of the tensor data in the (first) file, in bytes.
---@return integer
function Gguf:data_offset() end

---Bytes of all tensors together, without padding.
---@return integer
function Gguf:tensor_total_bytes() end

---Bytes of the file, all parts together, as far as it is there; -1 where unknown, as of a pipe.
---@return integer
function Gguf:file_bytes() end

---Whether the file is known to hold all tensor data.
---@return boolean
function Gguf:is_complete() end

---Number of files that the model consists of.
---@return integer
function Gguf:part_count() end

---`general.architecture`, such as `llama`; NULL without one.
---@return string?
function Gguf:architecture() end

---`general.name`; NULL without one.
---@return string?
function Gguf:name() end

---`general.file_type`, llama.cpp's number for the mix of tensor types; -1 without one.
---@return integer
function Gguf:file_type() end

---Number of layers (`block_count`); -1 without one.
---@return integer
function Gguf:layer_count() end

---Context the model was trained with, in tokens (`context_length`); -1 without one.
---@return integer
function Gguf:trained_context() end

---Width of the embedding (`embedding_length`); -1 without one.
---@return integer
function Gguf:embedding_length() end

---Tokens of the vocabulary: the length of its list, else `vocab_size`, else the rows of the token embedding; -1 where
---unknown.
---@return integer
function Gguf:vocabulary_size() end

---Number of keys, in the order of the file; of several parts those of the first.
---@return integer
function Gguf:key_count() end

---Name of key i; NULL past the end.
---@param i integer
---@return string?
function Gguf:key_name(i) end

---Index of a key by its name, or -1.
---@param name string
---@return integer
function Gguf:key_find(name) end

---Type of the value, or of an array's items, as the format numbers them (4 is a 32-bit number without sign, 8 a text);
----1 past the end.
---@param i integer
---@return integer
function Gguf:key_type(i) end

---Whether the value is an array.
---@param i integer
---@return boolean
function Gguf:key_is_array(i) end

---Number of items of an array, kept or not; 1 for what is no array.
---@param i integer
---@return integer
function Gguf:key_length(i) end

---A whole number or a boolean.
---@param i integer
---@param item integer
---@param other integer
---@return integer
function Gguf:key_int(i, item, other) end

---A number of any type as a floating-point one; parameters as of gguf_key_int().
---@param i integer
---@param item integer
---@param other number
---@return number
function Gguf:key_double(i, item, other) end

---A text, what was no UTF-8 in it replaced by '?'; NULL for what is none or was not kept.
---@param i integer
---@return string?
function Gguf:key_text(i) end

---Number of tensors of all parts, in the order of the files.
---@return integer
function Gguf:tensor_count() end

---Name of tensor i; NULL past the end.
---@param i integer
---@return string?
function Gguf:tensor_name(i) end

---Index of a tensor by its name, or -1.
---@param name string
---@return integer
function Gguf:tensor_find(name) end

---ggml's number of its type; -1 past the end.
---@param i integer
---@return integer
function Gguf:tensor_type(i) end

---llama.cpp's name of its type, such as `q4_K`; NULL past the end.
---@param i integer
---@return string?
function Gguf:tensor_type_name(i) end

---Elements along a dimension from 0 to 3, the row first; 1 for those it has not, 0 past the end.
---@param i integer
---@param dimension integer
---@return integer
function Gguf:tensor_elements(i, dimension) end

---Its bytes, without padding; -1 past the end.
---@param i integer
---@return integer
function Gguf:tensor_bytes(i) end

---Its offset from the start of its file's tensor data, in bytes; -1 past the end.
---@param i integer
---@return integer
function Gguf:tensor_offset(i) end

---Which file it is in, from 0.
---@param i integer
---@return integer
function Gguf:tensor_part(i) end

---The facts as one line of JSON (schema/gguf.schema.json); what is unknown is null.
---@return string?
---@return string? message
---@return integer? code
function Gguf:json() end

---The same as plain tables; null is nil.
---@return table?
---@return string? message
---@return integer? code
function Gguf:to_table() end

core.Gguf = {}

---Reads a file and, where it is one of several parts, the others beside it.
---@param path string
---@param opts? homelab.Opts
---@return homelab.Gguf?
---@return string? message
---@return integer? code
function core.Gguf.load_file(path, opts) end

---Reads bytes in memory: a whole file, or at least all that comes before its tensor data.
---@param text string
---@param name? string
---@param opts? homelab.Opts
---@return homelab.Gguf?
---@return string? message
---@return integer? code
function core.Gguf.load_memory(text, name, opts) end

---Takes what Ollama tells of a model: its keys but for long arrays, and its tensors.
---@param text string
---@param opts? homelab.Opts
---@return homelab.Gguf?
---@return string? message
---@return integer? code
function core.Gguf.load_show(text, opts) end

---Takes what llama.cpp's server tells of a model: bytes, width, vocabulary and context, but neither architecture nor
---layers, so that no estimate can be worked out from it.
---@param text string
---@param model? string
---@param opts? homelab.Opts
---@return homelab.Gguf?
---@return string? message
---@return integer? code
function core.Gguf.load_models(text, model, opts) end

---The header that an operation of ctx_fetch_gguf() read.
---@param op homelab.Op
---@return homelab.Gguf?
---@return string? message
---@return integer? code
function core.Gguf.take(op) end

---Reads a file from a web server and waits for it; parameters as of ctx_fetch_gguf().
---@param ctx homelab.Ctx
---@param url string
---@param timeout_ms integer
---@param opts? homelab.Opts
---@return homelab.Gguf?
---@return string? message
---@return integer? code
function core.Gguf.load_url(ctx, url, timeout_ms, opts) end

---An immutable inventory. Reference-counted.
---@class homelab.Inventory: homelab.Object
local Inventory = {}

---Writes the inventory back: what was given, in a fixed order, without what was defaulted; `${NAME}` stays.
---@param format integer
---@return string?
---@return string? message
---@return integer? code
function Inventory:write(format) end

---Number of tiers, most preferred first.
---@return integer
function Inventory:tier_count() end

---Name of tier i in lower case; NULL past the end. Borrowed.
---@param i integer
---@return string?
function Inventory:tier_name(i) end

---Number of nodes, in the order of the file.
---@return integer
function Inventory:node_count() end

---Id of node i; NULL past the end. Borrowed.
---@param i integer
---@return string?
function Inventory:node_id(i) end

---Address of node i with variables filled in; NULL past the end or where it has none. Borrowed.
---@param i integer
---@return string?
function Inventory:node_host(i) end

---Operating system of node i (linux, windows, macos, synology); NULL where unknown. Borrowed.
---@param i integer
---@return string?
function Inventory:node_os(i) end

---Memory of node i in bytes; 0 where unknown.
---@param i integer
---@return integer
function Inventory:node_ram_bytes(i) end

---Number of GPUs of node i.
---@param node integer
---@return integer
function Inventory:gpu_count(node) end

---Name of a GPU; NULL past the end. Borrowed.
---@param node integer
---@param gpu integer
---@return string?
function Inventory:gpu_name(node, gpu) end

---Memory of a GPU in bytes; 0 past the end.
---@param node integer
---@param gpu integer
---@return integer
function Inventory:gpu_memory_bytes(node, gpu) end

---Memory bandwidth of a GPU in bytes a second; 0 where unknown.
---@param node integer
---@param gpu integer
---@return integer
function Inventory:gpu_bandwidth_bytes(node, gpu) end

---Number of endpoints, in the order of the file.
---@return integer
function Inventory:endpoint_count() end

---Index of the endpoint with that id, or a negative code (E_NOT_FOUND).
---@param id string
---@return integer?
---@return string? message
---@return integer? code
function Inventory:endpoint_find(id) end

---Id of endpoint i; NULL past the end. Borrowed.
---@param i integer
---@return string?
function Inventory:endpoint_id(i) end

---URL of endpoint i with variables filled in; NULL past the end. Borrowed.
---@param i integer
---@return string?
function Inventory:endpoint_url(i) end

---Tier of endpoint i in lower case; NULL past the end. Borrowed.
---@param i integer
---@return string?
function Inventory:endpoint_tier(i) end

---Id of the node of endpoint i; NULL past the end or where it is on none. Borrowed.
---@param i integer
---@return string?
function Inventory:endpoint_node(i) end

---Backend of endpoint i as declared or told from its URL, BACKEND_…; AUTO where neither says.
---@param i integer
---@return integer
function Inventory:endpoint_backend(i) end

---Time a whole probe of endpoint i may take, in milliseconds.
---@param i integer
---@return integer
function Inventory:endpoint_timeout_ms(i) end

---Number of containers, in the order of the file.
---@return integer
function Inventory:container_count() end

---Name of container i; NULL past the end. Borrowed.
---@param i integer
---@return string?
function Inventory:container_name(i) end

---Node of container i; NULL past the end. Borrowed.
---@param i integer
---@return string?
function Inventory:container_node(i) end

---Number of models, in the order of the file.
---@return integer
function Inventory:model_count() end

---Name of model i as its backend knows it; NULL past the end. Borrowed.
---@param i integer
---@return string?
function Inventory:model_name(i) end

---File of model i as the inventory names it; NULL past the end or where it names none. Borrowed.
---@param i integer
---@return string?
function Inventory:model_file(i) end

---File of model i's image projector; NULL past the end or where the inventory names none. Borrowed.
---@param i integer
---@return string?
function Inventory:model_mmproj(i) end

---File of model i's draft model; NULL past the end or where the inventory names none. Borrowed.
---@param i integer
---@return string?
function Inventory:model_draft(i) end

core.Inventory = {}

---Reads and checks an inventory file.
---@param path string
---@param opts? homelab.Opts
---@return homelab.Inventory?
---@return string? message
---@return integer? code
function core.Inventory.load_file(path, opts) end

---Reads and checks an inventory text.
---@param text string
---@param format integer
---@param name? string
---@param opts? homelab.Opts
---@return homelab.Inventory?
---@return string? message
---@return integer? code
function core.Inventory.load_text(text, format, name, opts) end

---Collects values for an inventory. One thread at a time.
---@class homelab.Builder: homelab.Object
local Builder = {}

---Sets one value.
---@param section string
---@param id string
---@param key string
---@param value string
---@return boolean?
---@return string? message
---@return integer? code
function Builder:set_string(section, id, key, value) end

---Sets a number; parameters and results as builder_set_string().
---@param section string
---@param id string
---@param key string
---@param value number
---@return boolean?
---@return string? message
---@return integer? code
function Builder:set_number(section, id, key, value) end

---Sets a boolean; parameters and results as builder_set_string().
---@param section string
---@param id string
---@param key string
---@param value boolean
---@return boolean?
---@return string? message
---@return integer? code
function Builder:set_bool(section, id, key, value) end

---Removes an item, or one key of it.
---@param section string
---@param id string
---@param key? string
---@return boolean?
---@return string? message
---@return integer? code
function Builder:remove(section, id, key) end

---Checks what was set and makes an inventory; errors as inventory_load_text(). The builder stays.
---@return homelab.Inventory?
---@return string? message
---@return integer? code
function Builder:build() end

core.Builder = {}

---Makes an empty builder, or one filled from an inventory.
---@param from? homelab.Inventory
---@param opts? homelab.Opts
---@return homelab.Builder?
---@return string? message
---@return integer? code
function core.Builder.new(from, opts) end

---All problems found in an inventory text. Immutable.
---@class homelab.Report: homelab.Object
local Report = {}

---Number of problems, in the order of the text. Beyond option `inventory.max_problems` one more entry without a
---position says how many were left out.
---@return integer
function Report:count() end

---Line of problem i, from 1; 0 past the end and where there is none.
---@param i integer
---@return integer
function Report:line(i) end

---Column of problem i in characters, from 1; 0 past the end and where there is none.
---@param i integer
---@return integer
function Report:column(i) end

---Key path of problem i, such as `endpoints."local/ollama".timeout`; NULL past the end. Borrowed.
---@param i integer
---@return string?
function Report:path(i) end

---Problem i as one line `FILE:LINE:COLUMN: PATH: found …, expected …`; NULL past the end. Borrowed.
---@param i integer
---@return string?
function Report:message(i) end

core.Report = {}

---Checks an inventory file and reports every problem; touches no network.
---@param path string
---@param opts? homelab.Opts
---@return homelab.Report?
---@return string? message
---@return integer? code
function core.Report.file(path, opts) end

---Checks an inventory text; results as report_file().
---@param text string
---@param format integer
---@param name? string
---@param opts? homelab.Opts
---@return homelab.Report?
---@return string? message
---@return integer? code
function core.Report.text(text, format, name, opts) end

---A bag of options. One thread at a time; constructors copy from it.
---@class homelab.Opts: homelab.Object
local Opts = {}

---Sets a boolean.
---@param key string
---@param value boolean
---@return boolean?
---@return string? message
---@return integer? code
function Opts:set_bool(key, value) end

---Sets an integer; errors as opts_set_bool(), also for a value out of range.
---@param key string
---@param value integer
---@return boolean?
---@return string? message
---@return integer? code
function Opts:set_int(key, value) end

---Sets a double; errors as opts_set_int(). An integer option refuses it.
---@param key string
---@param value number
---@return boolean?
---@return string? message
---@return integer? code
function Opts:set_double(key, value) end

---Sets a text, which is copied; errors as opts_set_bool().
---@param key string
---@param value string
---@return boolean?
---@return string? message
---@return integer? code
function Opts:set_string(key, value) end

---Sets an option of any type from text, as a command line gives it: "true" (or yes, on, 1; false, no, off, 0), "5000",
---"0.5", whatever the locale.
---@param key string
---@param text string
---@return boolean?
---@return string? message
---@return integer? code
function Opts:set_text(key, text) end

---Value of a boolean option, set or default; false with an error record for a wrong key.
---@param key string
---@return boolean?
---@return string? message
---@return integer? code
function Opts:get_bool(key) end

---Value of an integer option, set or default; 0 with an error record for a wrong key.
---@param key string
---@return integer?
---@return string? message
---@return integer? code
function Opts:get_int(key) end

---Value of a double option, set or default; 0 with an error record for a wrong key.
---@param key string
---@return number?
---@return string? message
---@return integer? code
function Opts:get_double(key) end

---Value of a text option, set or default; NULL with an error record for a wrong key. Borrowed.
---@param key string
---@return string?
---@return string? message
---@return integer? code
function Opts:get_string(key) end

core.Opts = {}

---Makes an empty bag: every option has its default.
---@return homelab.Opts?
---@return string? message
---@return integer? code
function core.Opts.new() end

---Collects what a plan is made from. One thread at a time.
---@class homelab.Planner: homelab.Object
local Planner = {}

---Gives a model its header, so that what it takes is worked out. Without one, and for a model with `vram_gib`, sizes
---are taken as the inventory gives them.
---@param model string
---@param gguf homelab.Gguf
---@return boolean?
---@return string? message
---@return integer? code
function Planner:set_header(model, gguf) end

---Gives a model the header of its image projector, which is loaded with it: on the first of its GPUs, or in main
---memory. Not looked at where the model's size is taken as given.
---@param model string
---@param gguf homelab.Gguf
---@return boolean?
---@return string? message
---@return integer? code
function Planner:set_projector(model, gguf) end

---Gives a model the header of its draft model, which the same server loads with it, with all its layers on the first of
---the model's GPUs or in main memory, and with a cache for the same contexts. Not looked at where the model's size is
---taken as given.
---@param model string
---@param gguf homelab.Gguf
---@return boolean?
---@return string? message
---@return integer? code
function Planner:set_draft(model, gguf) end

---Gives a reading of memory in use on a GPU, which goes before the inventory's `used_gib`.
---@param node string
---@param gpu integer
---@param used_bytes integer
---@return boolean?
---@return string? message
---@return integer? code
function Planner:set_used(node, gpu, used_bytes) end

---Searches for the best plan. The same input gives the same plan; option `plan.max_steps` ends a long search with the
---best found and a bound.
---@return homelab.Plan?
---@return string? message
---@return integer? code
function Planner:plan() end

core.Planner = {}

---Makes a planner.
---@param inventory homelab.Inventory
---@param opts? homelab.Opts
---@return homelab.Planner?
---@return string? message
---@return integer? code
function core.Planner.new(inventory, opts) end

---Which models go where. Immutable, reference-counted.
---@class homelab.Plan: homelab.Object
local Plan = {}

---PLAN_…; -1 for NULL.
---@return integer
function Plan:status() end

---Whether no other choice of the ways that docs/plan.md lists is better; what fills the room that is left is not
---searched for.
---@return boolean
function Plan:is_optimal() end

---Number of the objective's levels, most important first.
---@return integer
function Plan:level_count() end

---Value of a level: needs met; priority on GPUs, in thousandths; priority placed; 64 KiB units of weights on GPUs, then
---on those of the highest bandwidth, and so on; last, units taken, negative. 0 past the end.
---@param level integer
---@return integer
function Plan:level(level) end

---What no choice of ways exceeds at a level while the levels above are at their best, and at least the plan's value;
---equals it in an optimal plan.
---@param level integer
---@return integer
function Plan:bound(level) end

---Number of devices: the GPUs of each node, then its CPU.
---@return integer
function Plan:device_count() end

---Id of a device, `NODE/gpuNUMBER` or `NODE/cpu`; NULL past the end. Borrowed.
---@param device integer
---@return string?
function Plan:device_id(device) end

---Name of a device; NULL past the end or where it has none. Borrowed.
---@param device integer
---@return string?
function Plan:device_name(device) end

---Whether it is a GPU.
---@param device integer
---@return boolean
function Plan:device_is_gpu(device) end

---Memory of a device in bytes; 0 where unknown.
---@param device integer
---@return integer
function Plan:device_capacity(device) end

---Bytes that others keep of it.
---@param device integer
---@return integer
function Plan:device_others(device) end

---Whether that is a reading handed in; else it is the inventory's.
---@param device integer
---@return boolean
function Plan:device_was_read(device) end

---Bytes that the planned models take of it, in the set of models that takes most.
---@param device integer
---@return integer
function Plan:device_planned(device) end

---Number of models and replicas, also those left out, in the inventory's order.
---@return integer
function Plan:model_count() end

---Name of model i; NULL past the end. Borrowed.
---@param i integer
---@return string?
function Plan:model_name(i) end

---Whether model i has a place.
---@param i integer
---@return boolean
function Plan:model_is_placed(i) end

---Whether model i runs on a CPU alone.
---@param i integer
---@return boolean
function Plan:model_on_cpu(i) end

---Layers of model i on GPUs, the output layer included; -1 where unknown.
---@param i integer
---@return integer
function Plan:model_layers(i) end

---Context of a request to model i in tokens; 0 where unknown.
---@param i integer
---@return integer
function Plan:model_context(i) end

---Type of model i's KV cache; NULL past the end, where it has no place, and where its size is taken as given. Static.
---@param i integer
---@return string?
function Plan:model_kv(i) end

---One line: why model i is where it is, or is left out and what would make room. NULL past the end. Borrowed.
---@param i integer
---@return string?
function Plan:model_why(i) end

---Number of devices that model i is on.
---@param i integer
---@return integer
function Plan:part_count(i) end

---Index of the device of a part, or E_NOT_FOUND.
---@param i integer
---@param part integer
---@return integer?
---@return string? message
---@return integer? code
function Plan:part_device(i, part) end

---Weights of a part in bytes; -1 past the end.
---@param i integer
---@param part integer
---@return integer
function Plan:part_weights(i, part) end

---KV cache and states of a part in bytes; -1 past the end.
---@param i integer
---@param part integer
---@return integer
function Plan:part_context(i, part) end

---Compute buffers of a part in bytes; -1 past the end.
---@param i integer
---@param part integer
---@return integer
function Plan:part_compute(i, part) end

---What the process takes beside them in bytes; -1 past the end.
---@param i integer
---@param part integer
---@return integer
function Plan:part_overhead(i, part) end

---Arguments of llama-server that run model i as planned, quoted for a shell; NULL where it has no place. Borrowed.
---@param i integer
---@return string?
function Plan:model_llama_server(i) end

---A docker command that runs it; NULL where it has no place. Borrowed.
---@param i integer
---@return string?
function Plan:model_docker(i) end

---Environment of an Ollama server for it, `NAME=VALUE` separated by spaces; NULL where it has no place. num_ctx is
---plan_model_context(), num_gpu plan_model_layers(). Borrowed.
---@param i integer
---@return string?
function Plan:model_ollama(i) end

---The plan as JSON (schema/plan.schema.json).
---@return string?
---@return string? message
---@return integer? code
function Plan:json() end

---The same as plain tables; null is nil.
---@return table?
---@return string? message
---@return integer? code
function Plan:to_table() end

---A picture of each device's memory by model and part.
---@return string?
---@return string? message
---@return integer? code
function Plan:svg() end

---What changes from one plan to another, one line a change; empty when nothing does.
---@param before homelab.Plan
---@return string?
---@return string? message
---@return integer? code
function Plan:diff(before) end

core.Plan = {}

---Probes the endpoints of an inventory. Reference-counted; belongs to its context's thread.
---@class homelab.Prober: homelab.Object
local Prober = {}

---Stops all probing; running checks complete with E_CLOSED. Idempotent. Snapshots may still be taken.
---@return boolean?
---@return string? message
---@return integer? code
function Prober:close() end

---Starts one sweep: each endpoint is probed once, unclear ones confirmed as option `probe.confirm_ms` says. An endpoint
---that is being probed already is not probed again; that probe counts. Several sweeps may run at one time.
---@param flags? integer
---@return homelab.Op?
---@return string? message
---@return integer? code
function Prober:check(flags) end

---Sweeps once and waits for the end.
---@param timeout_ms integer
---@return boolean?
---@return string? message
---@return integer? code
function Prober:check_now(timeout_ms) end

---Starts monitoring: probes at the intervals of the inventory and queues an event on every change. E_STATE when it
---runs.
---@param flags? integer
---@return boolean?
---@return string? message
---@return integer? code
function Prober:start(flags) end

---Stops monitoring; state and history stay. OK also when it does not run.
---@return boolean?
function Prober:stop() end

---The present state.
---@return homelab.Snapshot?
---@return string? message
---@return integer? code
function Prober:snapshot() end

---Takes a changed inventory; endpoints with the same id and URL keep history and state, without events for them.
---@param inventory homelab.Inventory
---@return boolean?
---@return string? message
---@return integer? code
function Prober:set_inventory(inventory) end

---Reports what a caller's own request to an endpoint met; it feeds the same counters as a probe.
---@param endpoint string
---@param outcome integer
---@param elapsed_us integer
---@return boolean?
---@return string? message
---@return integer? code
function Prober:observe(endpoint, outcome, elapsed_us) end

---Plans maintenance: failures inside the window queue no events and count in no history.
---@param subject string
---@param from_us integer
---@param until_us integer
---@return boolean?
---@return string? message
---@return integer? code
function Prober:add_maintenance(subject, from_us, until_us) end

core.Prober = {}

---Makes a prober; it does nothing until prober_check() or prober_start().
---@param ctx homelab.Ctx
---@param inventory homelab.Inventory
---@param opts? homelab.Opts
---@return homelab.Prober?
---@return string? message
---@return integer? code
function core.Prober.new(ctx, inventory, opts) end

---What came of a request that router_send() sent. Immutable, reference-counted; any thread.
---@class homelab.Reply: homelab.Object
local Reply = {}

---HTTP status of the last attempt; 0 where it got none.
---@return integer
function Reply:status() end

---Endpoint of the last attempt; NULL for NULL. Borrowed.
---@return string?
function Reply:endpoint() end

---Model of the last attempt; NULL for NULL. Borrowed.
---@return string?
function Reply:model() end

---Body of an answer that was not streamed, or of a refusal; reply_body_length() bytes with a NUL behind them. "" where
---there is none, NULL for NULL. Borrowed.
---@return string?
function Reply:body() end

---Number of bytes of reply_body().
---@return integer
function Reply:body_length() end

---What the model says in an answer that was not streamed; "" where there is none, NULL for NULL. Borrowed.
---@return string?
function Reply:text() end

---Why the model stopped, such as `stop` or `length`; "" where it did not say, NULL for NULL. Borrowed.
---@return string?
function Reply:finish() end

---Tokens of the prompt as the server counted them; -1 where it did not.
---@return integer
function Reply:prompt_tokens() end

---Tokens of the answer as the server counted them; -1 where it did not.
---@return integer
function Reply:answer_tokens() end

---From the start of the last attempt to the first byte of its answer, microseconds; -1 without one.
---@return integer
function Reply:first_byte_us() end

---From the start of the first attempt to the end, microseconds.
---@return integer
function Reply:total_us() end

---Number of attempts: of candidates that were tried. One that was waited for and tried again counts once, with what it
---met last.
---@return integer
function Reply:attempt_count() end

---Endpoint of attempt i; NULL past the end. Borrowed.
---@param i integer
---@return string?
function Reply:attempt_endpoint(i) end

---What attempt i met, OUTCOME_…; -1 past the end.
---@param i integer
---@return integer
function Reply:attempt_outcome(i) end

---One line on how attempt i failed; "" when it did not, NULL past the end. Borrowed.
---@param i integer
---@return string?
function Reply:attempt_message(i) end

core.Reply = {}

---What an operation of router_send() brought, also when it failed.
---@param op homelab.Op
---@return homelab.Reply?
---@return string? message
---@return integer? code
function core.Reply.of(op) end

---Chooses experts. Reference-counted; any thread.
---@class homelab.Router: homelab.Object
local Router = {}

---Replaces the table. Decisions under way keep the old one; counters go on. Any thread, also while others decide.
---@param inventory? homelab.Inventory
---@param snapshot? homelab.Snapshot
---@return integer
function Router:update(inventory, snapshot) end

---Number of experts in the present table.
---@return integer
function Router:expert_count() end

---Decides. Any thread; no lock, no memory, no input or output.
---@param request homelab.Request
---@param text? string
---@param decision homelab.Decision
---@param flags? integer
---@return integer?
---@return string? message
---@return integer? code
function Router:decide(request, text, decision, flags) end

---A request to candidate i begins. Any thread; no lock, no memory.  Counts it as in flight, binds the request's
---affinity key, and claims the trial where it is one.
---@param decision homelab.Decision
---@param i integer
---@return integer?
---@return string? message
---@return integer? code
function Router:begin(decision, i) end

---It ended. Any thread; no lock, no memory.
---@param ticket integer
---@param outcome integer
---@param first_byte_us integer
---@param total_us integer
---@param tokens integer
---@param retry_ms integer
---@return boolean?
---@return string? message
---@return integer? code
function Router:finish(ticket, outcome, first_byte_us, total_us, tokens, retry_ms) end

---Tells a prober what router_finish() was told since the last time, as prober_observe() would. On the prober's thread.
---@param prober homelab.Prober
---@return boolean?
---@return string? message
---@return integer? code
function Router:report(prober) end

---Requests in flight at an endpoint that this router knows of; -1 for an unknown one.
---@param endpoint string
---@return integer
function Router:in_flight(endpoint) end

---Decides, and sends the request to the best candidate; to the next one when that fails before it said anything. Never
---to another one afterwards.  When there is no other candidate, it waits for a server that says when to come back or
---that it loads its model, as long as for the first byte of an answer with a load.  While it runs, the context queues a
---EVENT_ATTEMPT each time it turns to a candidate, a EVENT_ANSWER for each piece of a streamed answer, and last
---EVENT_OP_DONE; then reply_of() tells the rest. Candidates that may have to load their model first are given time for
---that, since giving up would abort the load. API keys are asked for as those of probes are, and sent only to the
---endpoint that they belong to.
---@param ctx homelab.Ctx
---@param request homelab.Request
---@param text string
---@param flags? integer
---@return homelab.Op?
---@return string? message
---@return integer? code
function Router:send(ctx, request, text, flags) end

core.Router = {}

---Makes a router.
---@param inventory homelab.Inventory
---@param snapshot? homelab.Snapshot
---@param opts? homelab.Opts
---@return homelab.Router?
---@return string? message
---@return integer? code
function core.Router.new(inventory, snapshot, opts) end

---What is asked for, without the text. Reusable; one thread at a time.
---@class homelab.Request: homelab.Object
local Request = {}

---Makes it empty again.
---@return integer
function Request:reset() end

---What the text of router_decide() is: REQUEST_…
---@param kind integer
---@return boolean?
---@return string? message
---@return integer? code
function Request:set_kind(kind) end

---Fixes the task, which then nothing else decides.
---@param task integer
---@return boolean?
---@return string? message
---@return integer? code
function Request:set_task(task) end

---Says who asks, for rules of the inventory.
---@param tag? string
---@return boolean?
---@return string? message
---@return integer? code
function Request:set_tag(tag) end

---Requests with the same key and task go to the same expert while it is healthy, which keeps its prompt cache of use.
---@param key? string
---@return boolean?
---@return string? message
---@return integer? code
function Request:set_affinity(key) end

---Allows only one endpoint, one model, or both.
---@param endpoint? string
---@param model? string
---@return boolean?
---@return string? message
---@return integer? code
function Request:set_pin(endpoint, model) end

---Excludes an endpoint; up to 32.
---@param endpoint string
---@return boolean?
---@return string? message
---@return integer? code
function Request:exclude(endpoint) end

---Adds needs that the text does not show: bits of NEED_…; NEED_JSON, which every server has, filters nothing.
---@param needs integer
---@return integer
function Request:require(needs) end

---Says how long it is, where the caller knows better than an estimate from the text.
---@param context integer
---@param answer integer
---@return boolean?
---@return string? message
---@return integer? code
function Request:set_tokens(context, answer) end

core.Request = {}

---Makes an empty request: a plain text of which nothing is known.
---@param opts? homelab.Opts
---@return homelab.Request?
---@return string? message
---@return integer? code
function core.Request.new(opts) end

---What was decided. Reusable; one thread at a time.
---@class homelab.Decision: homelab.Object
local Decision = {}

---Task, TASK_…; TASK_NONE before the first decision.
---@return integer
function Decision:task() end

---What fixed the task: `request`, `rule`, `callback`, `classifier` or `default`; NULL before the first decision.
---Static.
---@return string?
function Decision:task_source() end

---Whether the classifier was not sure, so that all tasks count by their probability.
---@return boolean
function Decision:mixed() end

---Probability of a task, TASK_…, 0 to 1.
---@param task integer
---@return number
function Decision:probability(task) end

---Tokens that prompt and answer need, as estimated.
---@return integer
function Decision:context() end

---Generation of the snapshot that it goes by; 0 without one.
---@return integer
function Decision:generation() end

---Number of candidates, at most option `router.top_k`.
---@return integer
function Decision:count() end

---Number of experts that passed all filters, candidates and others.
---@return integer
function Decision:eligible() end

---Endpoint of candidate i, best first; NULL past the end. Valid until the next decision, like all texts below;
---borrowed.
---@param i integer
---@return string?
function Decision:endpoint(i) end

---Model of candidate i as its backend knows it. Borrowed.
---@param i integer
---@return string?
function Decision:model(i) end

---Where to send the request: `http://gpu0:11434/v1/chat/completions`. Borrowed.
---@param i integer
---@return string?
function Decision:url(i) end

---Base URL as clients of the dialect want it: with `/v1` for OpenAI, without a path for Ollama. Borrowed.
---@param i integer
---@return string?
function Decision:base_url(i) end

---DIALECT_…: that of the request's kind; of a plain text the one that the backend speaks at its best, OpenAI's for
---embeddings. 0 past the end.
---@param i integer
---@return integer
function Decision:dialect(i) end

---BACKEND_… of its endpoint.
---@param i integer
---@return integer
function Decision:backend(i) end

---Tier of its endpoint. Borrowed.
---@param i integer
---@return string?
function Decision:tier(i) end

---Node of its endpoint; NULL also where it is on none. Borrowed.
---@param i integer
---@return string?
function Decision:node(i) end

---Reference to its API key, never the key; NULL also where it needs none. Borrowed.
---@param i integer
---@return string?
function Decision:key_reference(i) end

---Share among the candidates by the gate, 0 to 1; they add up to 1.
---@param i integer
---@return number
function Decision:weight(i) end

---Score in points; the best one is first, unless affinity says otherwise.
---@param i integer
---@return number
function Decision:score(i) end

---Part of the score, TERM_…, in points; 0 past the end.
---@param i integer
---@param term integer
---@return number
function Decision:term(i, term) end

---Seconds that loading the model is expected to take first; 0 when it is loaded.
---@param i integer
---@return number
function Decision:load_s(i) end

---1 the model is loaded, 0 not, -1 unknown.
---@param i integer
---@return integer
function Decision:loaded(i) end

---Whether affinity put it first.
---@param i integer
---@return boolean
function Decision:sticky(i) end

---Whether it failed of late and this would be its trial.
---@param i integer
---@return boolean
function Decision:trial(i) end

---Milliseconds to wait for a connection.
---@param i integer
---@return integer
function Decision:connect_ms(i) end

---Milliseconds to wait for the first byte: with time for a cold load from a slow disk, since giving up would abort the
---load.
---@param i integer
---@return integer
function Decision:first_byte_ms(i) end

---Milliseconds to wait between two pieces of an answer.
---@param i integer
---@return integer
function Decision:stall_ms(i) end

---Milliseconds that the whole request may take.
---@param i integer
---@return integer
function Decision:total_ms(i) end

---The body as candidate i wants it: another model's name in it, and nothing else changed.
---@param i integer
---@param text string
---@return string?
---@return string? message
---@return integer? code
function Decision:rewrite(i, text) end

---Number of experts that a filter rejected, REJECT_…; 0 counts all of them. Known also without DECIDE_EXPLAIN.
---@param reject integer
---@return integer
function Decision:reject_count(reject) end

---Number of rejected experts in the list; 0 without DECIDE_EXPLAIN.
---@return integer
function Decision:rejected_count() end

---Endpoint of rejected expert i; NULL past the end. Borrowed.
---@param i integer
---@return string?
function Decision:rejected_endpoint(i) end

---Model of rejected expert i; NULL past the end. Borrowed.
---@param i integer
---@return string?
function Decision:rejected_model(i) end

---Why, REJECT_…; 0 past the end.
---@param i integer
---@return integer
function Decision:rejected_why(i) end

---Milliseconds after which an expert that only its failures exclude may be tried again; -1 where there is none.
---@return integer
function Decision:retry_ms() end

---The decision with reasons as JSON (schema/decision.schema.json).
---@return string?
---@return string? message
---@return integer? code
function Decision:json() end

---The same as plain tables; null is nil.
---@return table?
---@return string? message
---@return integer? code
function Decision:to_table() end

core.Decision = {}

---Makes an empty decision with room for the experts of the router's present table and more.
---@param router homelab.Router
---@return homelab.Decision?
---@return string? message
---@return integer? code
function core.Decision.new(router) end

---A request for one secret. Reference-counted; may be used from any thread.
---@class homelab.SecretRequest: homelab.Object
local SecretRequest = {}

---Kind of secret, SECRET_KIND_…; 0 for NULL.
---@return integer
function SecretRequest:kind() end

---The reference, such as `env:OLLAMA_KEY`. Borrowed; NULL for NULL.
---@return string?
function SecretRequest:reference() end

---Who needs it: an endpoint id or node. Borrowed; NULL for NULL.
---@return string?
function SecretRequest:subject() end

---1 for the first time this secret is asked for, more after it was refused by the peer.
---@return integer
function SecretRequest:attempt() end

---Answers with the secret, which is copied. The first answer counts.
---@param secret string
---@return boolean?
---@return string? message
---@return integer? code
function SecretRequest:answer(secret) end

---Answers that there is no such secret. Errors as answer.
---@param reason? string
---@return boolean?
---@return string? message
---@return integer? code
function SecretRequest:refuse(reason) end

core.SecretRequest = {}

---The state of a cluster at one time.
---@class homelab.Snapshot: homelab.Object
local Snapshot = {}

---Generation: grows by at least one with every change of a prober's state.
---@return integer
function Snapshot:generation() end

---Wall-clock time it was taken, microseconds since 1970-01-01 UTC.
---@return integer
function Snapshot:time_us() end

---Overall verdict, VERDICT_…
---@return integer
function Snapshot:verdict() end

---The prognosis in one line a person understands; NULL for NULL.
---@return string?
function Snapshot:text() end

---Number of capabilities: code, reason, chat, vision, fast, embed.
---@return integer
function Snapshot:capability_count() end

---Name of capability i; NULL past the end.
---@param i integer
---@return string?
function Snapshot:capability_name(i) end

---Number of usable endpoints that serve capability i, most preferred tier first.
---@param capability integer
---@return integer
function Snapshot:server_count(capability) end

---Index of the endpoint that is server j of a capability, or E_NOT_FOUND.
---@param capability integer
---@param j integer
---@return integer?
---@return string? message
---@return integer? code
function Snapshot:server_at(capability, j) end

---Whether capability i is declared but served by no usable endpoint.
---@param i integer
---@return boolean
function Snapshot:capability_lost(i) end

---Number of tiers, most preferred first.
---@return integer
function Snapshot:tier_count() end

---Name of tier i; NULL past the end.
---@param i integer
---@return string?
function Snapshot:tier_name(i) end

---Verdict of tier i.
---@param i integer
---@return integer
function Snapshot:tier_verdict(i) end

---One line on tier i; NULL past the end.
---@param i integer
---@return string?
function Snapshot:tier_text(i) end

---Number of endpoints.
---@return integer
function Snapshot:endpoint_count() end

---Index of the endpoint with that id, or E_NOT_FOUND.
---@param id string
---@return integer?
---@return string? message
---@return integer? code
function Snapshot:endpoint_find(id) end

---Id of endpoint i; NULL past the end.
---@param i integer
---@return string?
function Snapshot:endpoint_id(i) end

---Tier of endpoint i; NULL past the end.
---@param i integer
---@return string?
function Snapshot:endpoint_tier(i) end

---Node of endpoint i; NULL past the end or where it is on none.
---@param i integer
---@return string?
function Snapshot:endpoint_node(i) end

---Backend of endpoint i as found or declared, BACKEND_…
---@param i integer
---@return integer
function Snapshot:endpoint_backend(i) end

---Version that endpoint i reports; NULL where it reports none.
---@param i integer
---@return string?
function Snapshot:endpoint_version(i) end

---Verdict of endpoint i.
---@param i integer
---@return integer
function Snapshot:endpoint_verdict(i) end

---Cause of the verdict, CAUSE_…
---@param i integer
---@return integer
function Snapshot:endpoint_cause(i) end

---One line on endpoint i with what was observed; NULL past the end.
---@param i integer
---@return string?
function Snapshot:endpoint_text(i) end

---Time to the first complete answer of the last probe, microseconds; -1 where unknown.
---@param i integer
---@return integer
function Snapshot:endpoint_latency_us(i) end

---Wall-clock time of the last probe, microseconds; 0 before the first.
---@param i integer
---@return integer
function Snapshot:endpoint_probed_us(i) end

---Number of requests it works on at once; -1 where unknown.
---@param i integer
---@return integer
function Snapshot:endpoint_slots(i) end

---Share of probes in the history that found it usable, 0 to 1; -1 without history.
---@param i integer
---@return number
function Snapshot:endpoint_uptime(i) end

---Latency percentile over the history in microseconds (percent 0 to 100); -1 without history.
---@param i integer
---@param percent number
---@return integer
function Snapshot:endpoint_percentile_us(i, percent) end

---Whether a maintenance window covers it.
---@param i integer
---@return boolean
function Snapshot:endpoint_in_maintenance(i) end

---Number of pieces of evidence on endpoint i.
---@param endpoint integer
---@return integer
function Snapshot:evidence_count(endpoint) end

---Layer of a piece of evidence: `tcp`, `http`, `scheduler`, `progress`, `canary`, `passive`; NULL past the end.
---@param endpoint integer
---@param i integer
---@return string?
function Snapshot:evidence_layer(endpoint, i) end

---What it speaks for, CAUSE_…
---@param endpoint integer
---@param i integer
---@return integer
function Snapshot:evidence_cause(endpoint, i) end

---HTTP status, else errno, else 0.
---@param endpoint integer
---@param i integer
---@return integer
function Snapshot:evidence_code(endpoint, i) end

---How long it took to see, microseconds.
---@param endpoint integer
---@param i integer
---@return integer
function Snapshot:evidence_elapsed_us(endpoint, i) end

---One line with what was seen; NULL past the end.
---@param endpoint integer
---@param i integer
---@return string?
function Snapshot:evidence_text(endpoint, i) end

---Number of models that endpoint i reports.
---@param endpoint integer
---@return integer
function Snapshot:model_count(endpoint) end

---Name of a model as its backend knows it; NULL past the end.
---@param endpoint integer
---@param i integer
---@return string?
function Snapshot:model_name(endpoint, i) end

---1 loaded, 0 not loaded, -1 unknown.
---@param endpoint integer
---@param i integer
---@return integer
function Snapshot:model_loaded(endpoint, i) end

---Whether a model is reported to have a capability.
---@param endpoint integer
---@param i integer
---@param capability string
---@return boolean
function Snapshot:model_has(endpoint, i, capability) end

---Context in tokens: of a loaded model what it was loaded with, else what it was trained with; -1 where unknown.
---@param endpoint integer
---@param i integer
---@return integer
function Snapshot:model_context(endpoint, i) end

---Size of a model in bytes, loaded where known, else on disk; -1 where unknown.
---@param endpoint integer
---@param i integer
---@return integer
function Snapshot:model_size_bytes(endpoint, i) end

---Bytes of it that are on a GPU; -1 where unknown.
---@param endpoint integer
---@param i integer
---@return integer
function Snapshot:model_vram_bytes(endpoint, i) end

---The snapshot as JSON (schema/snapshot.schema.json).
---@return string?
---@return string? message
---@return integer? code
function Snapshot:json() end

---The same as plain tables; null is nil.
---@return table?
---@return string? message
---@return integer? code
function Snapshot:to_table() end

---The snapshot in Prometheus' text format 0.0.4.
---@return string?
---@return string? message
---@return integer? code
function Snapshot:prometheus() end

core.Snapshot = {}

---Reads a snapshot from its JSON, as snapshot_json() writes it (schema/snapshot.schema.json).
---@param text string
---@param opts? homelab.Opts
---@return homelab.Snapshot?
---@return string? message
---@return integer? code
function core.Snapshot.parse(text, opts) end

---The snapshot of a cluster in which everything works as the inventory declares; touches no network.
---@param inventory homelab.Inventory
---@return homelab.Snapshot?
---@return string? message
---@return integer? code
function core.Snapshot.assume(inventory) end

---What a snapshot would become without some nodes.
---@param snapshot homelab.Snapshot
---@param nodes string
---@return homelab.Snapshot?
---@return string? message
---@return integer? code
function core.Snapshot.without(snapshot, nodes) end

---What a model needs. Immutable, reference-counted.
---@class homelab.Estimate: homelab.Object
local Estimate = {}

---How sure it is.
---@return integer
function Estimate:confidence() end

---Number of layers on devices, the output layer included.
---@return integer
function Estimate:gpu_layers() end

---Number of places where memory is taken: the devices, and last the host.
---@return integer
function Estimate:device_count() end

---Name of a device as llama.cpp has it: CUDA0, ROCm0, RPC0[HOST:PORT], HOST.
---@param device integer
---@return string?
function Estimate:device_name(device) end

---Weights on a device, bytes.
---@param device integer
---@return integer
function Estimate:weights_bytes(device) end

---KV cache and states on a device, bytes.
---@param device integer
---@return integer
function Estimate:context_bytes(device) end

---Compute buffer on a device, bytes.
---@param device integer
---@return integer
function Estimate:compute_bytes(device) end

---What the process takes beside its buffers on a device, bytes, correction included.
---@param device integer
---@return integer
function Estimate:overhead_bytes(device) end

---By how much estimate_calibrate() changed the overhead of a device, bytes, which may be negative.
---@param device integer
---@return integer
function Estimate:correction_bytes(device) end

---All of these on a device, bytes.
---@param device integer
---@return integer
function Estimate:total_bytes(device) end

---Buffer for logits and embeddings in host memory, which is not part of the host's compute buffer, bytes.
---@return integer
function Estimate:output_buffer_bytes() end

---Context of all slots together as the runtime rounds it, tokens.
---@return integer
function Estimate:context_tokens() end

---Context of one slot, tokens.
---@return integer
function Estimate:slot_tokens() end

---Whether flash attention is used, which "auto" decides by device and model.
---@return boolean
function Estimate:flash_attention() end

---All of it as JSON with a schema number, bytes as integers.
---@return string?
---@return string? message
---@return integer? code
function Estimate:json() end

---The same as plain tables; null is nil.
---@return table?
---@return string? message
---@return integer? code
function Estimate:to_table() end

core.Estimate = {}

---Works out what a model, or an image projector, needs.
---@param gguf homelab.Gguf
---@param opts? homelab.Opts
---@return homelab.Estimate?
---@return string? message
---@return integer? code
function core.Estimate.new(gguf, opts) end

---Works out what a model needs with the largest number of layers on devices for which weights, caches and compute
---buffers of each stay within its free memory (`vram.free_mib`) less `vram.margin_mib`.
---@param gguf homelab.Gguf
---@param opts? homelab.Opts
---@return homelab.Estimate?
---@return string? message
---@return integer? code
function core.Estimate.fit_layers(gguf, opts) end

---Corrects the overhead of a device by what was observed, such as a reading of nvidia-smi for the process, or Ollama's
---size_vram.
---@param estimate homelab.Estimate
---@param device integer
---@param observed_bytes integer
---@return homelab.Estimate?
---@return string? message
---@return integer? code
function core.Estimate.calibrate(estimate, device, observed_bytes) end

---Name of a task: "code", "reason", "chat", "fast", "vision", "embed".
---@param task integer
---@return string?
function core.task_name(task) end

---Task of a name, as task_name() gives it.
---@param name string
---@return integer
function core.task_find(name) end

---Classifies a plain prompt.
---@param self homelab.Classification
---@param text string
---@param needs integer
---@return boolean?
---@return string? message
---@return integer? code
function core.classify_text(self, text, needs) end

---Classifies the body of a request: OpenAI chat completions, completions, responses and embeddings; Ollama chat,
---generate, embed and embeddings.
---@param self homelab.Classification
---@param target? string
---@param text string
---@param needs integer
---@return boolean?
---@return string? message
---@return integer? code
function core.classify_request(self, target, text, needs) end

---Name of a code, such as "E_TIMEOUT".
---@param code integer
---@return string?
---@return string? message
---@return integer? code
function core.error_name(code) end

---Whether the same call may succeed later without a change by the caller. Any thread.
---@param code integer
---@return boolean
function core.error_is_retryable(code) end

---Whether the code says that time ran out. Any thread.
---@param code integer
---@return boolean
function core.error_is_timeout(code) end

---Whether the code says that credentials are missing or were refused. Any thread.
---@param code integer
---@return boolean
function core.error_is_auth(code) end

---Name of a file type, such as `Q4_K_M` for 15.
---@param file_type integer
---@return string?
function core.gguf_file_type_name(file_type) end

---Name of a backend (`ollama`, `llamacpp`, …), or NULL for an unknown number. Static.
---@param backend integer
---@return string?
function core.backend_name(backend) end

---Number of a backend's name, or E_NOT_FOUND.
---@param name string
---@return integer?
---@return string? message
---@return integer? code
function core.backend_from_name(name) end

---Number of options in the table. Any thread.
---@return integer
function core.option_count() end

---Key of option i, or NULL past the end. Static. Any thread.
---@param i integer
---@return string?
function core.option_key(i) end

---Type of option i (OPTION_…), or 0 past the end. Any thread.
---@param i integer
---@return integer
function core.option_type(i) end

---Default of option i as text, or NULL past the end. Static. Any thread.
---@param i integer
---@return string?
function core.option_default(i) end

---Smallest value of a numeric option, 0 for others. Any thread.
---@param i integer
---@return number
function core.option_min(i) end

---Largest value of a numeric option, 0 for others. Any thread.
---@param i integer
---@return number
function core.option_max(i) end

---Unit of option i, such as "ms" or "bytes"; "" where it has none, NULL past the end. Static.
---@param i integer
---@return string?
function core.option_unit(i) end

---One sentence on option i, or NULL past the end. Static. Any thread.
---@param i integer
---@return string?
function core.option_text(i) end

---Release that brought option i, or NULL past the end. Static. Any thread.
---@param i integer
---@return string?
function core.option_since(i) end

---Name of a REJECT_ number, such as "capability"; NULL for an unknown one. Static.
---@param reject integer
---@return string?
function core.reject_name(reject) end

---Name of a TERM_ number, such as "preference"; NULL for an unknown one. Static.
---@param term integer
---@return string?
function core.term_name(term) end

---Name of a verdict in capitals, such as "HEALTHY"; NULL for an unknown number. Static.
---@param verdict integer
---@return string?
function core.verdict_name(verdict) end

---Name of a cause, such as "timeout-after-accept"; NULL for an unknown number. Static.
---@param cause integer
---@return string?
function core.cause_name(cause) end

---Replaces the clock by one that stands still. To be called before anything is made from the context.
---@param ctx homelab.Ctx
---@param now_us integer
---@param wall_us integer
---@return boolean?
---@return string? message
---@return integer? code
function core.testing_freeze_clock(ctx, now_us, wall_us) end

---Advances a frozen clock; timers that became due fire in the next dispatch. E_STATE without one.
---@param ctx homelab.Ctx
---@param by_us integer
---@return boolean?
---@return string? message
---@return integer? code
function core.testing_advance_clock(ctx, by_us) end

---Microseconds until the next timer of the context, or -1 without one.
---@param ctx homelab.Ctx
---@return integer
function core.testing_next_timer_us(ctx) end

---Version of the loaded library as text, such as "0.2.0".
---@return string?
function core.version() end

---Version of the loaded library as a number comparable with VERSION_NUMBER.
---@return integer
function core.version_number() end

---Name of a CONFIDENCE_… number: "exact", "bound".
---@param confidence integer
---@return string?
function core.confidence_name(confidence) end

return core
