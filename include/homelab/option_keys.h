/**
 * @file
 * @brief Keys of the options. Generated from src/core/options.def by scripts/generate; do not edit.
 */
#ifndef HOMELAB_OPTION_KEYS_H
#define HOMELAB_OPTION_KEYS_H

/** Confidence below which a classification abstains, so that the default task is taken. (number,
 * 0 to 1 probability, default 0.4) @since 0.2.0
 */
#define HOMELAB_OPT_CLASSIFY_ABSTAIN_BELOW "classify.abstain_below"

/** Time after which a dispatch leaves the rest for the next one. (integer, 100 to 1000000 us,
 * default 2000) @since 0.1.0
 */
#define HOMELAB_OPT_DISPATCH_BUDGET_US "dispatch.budget_us"

/** Largest GGUF header, vocabulary and all. (integer, 1024 to 4294967296 bytes, default
 * 268435456) @since 0.2.0
 */
#define HOMELAB_OPT_GGUF_MAX_HEADER_BYTES "gguf.max_header_bytes"

/** Longest array of numbers that is kept, such as one number a layer; longer ones are counted.
 * (integer, 0 to 65536 items, default 4096) @since 0.2.0
 */
#define HOMELAB_OPT_GGUF_MAX_ITEMS "gguf.max_items"

/** Most memory for the metadata keys and values of a GGUF file. (integer, 4096 to 1073741824
 * bytes, default 8388608) @since 0.2.0
 */
#define HOMELAB_OPT_GGUF_MAX_KEPT_BYTES "gguf.max_kept_bytes"

/** Longest name of a metadata key. (integer, 16 to 32768 bytes, default 1024) @since 0.2.0 */
#define HOMELAB_OPT_GGUF_MAX_KEY_BYTES "gguf.max_key_bytes"

/** Most metadata keys of a GGUF file. (integer, 1 to 1000000 keys, default 65536) @since 0.2.0 */
#define HOMELAB_OPT_GGUF_MAX_KEYS "gguf.max_keys"

/** Longest name of a tensor; llama.cpp takes 63. (integer, 1 to 1024 bytes, default 63) @since
 * 0.2.0
 */
#define HOMELAB_OPT_GGUF_MAX_NAME_BYTES "gguf.max_name_bytes"

/** Most files of one model. (integer, 1 to 65535 files, default 1024) @since 0.2.0 */
#define HOMELAB_OPT_GGUF_MAX_PARTS "gguf.max_parts"

/** Most redirects followed when a GGUF file is read over HTTP; never from https to http.
 * (integer, 0 to 20 redirects, default 5) @since 0.2.0
 */
#define HOMELAB_OPT_GGUF_MAX_REDIRECTS "gguf.max_redirects"

/** Most tensors of a model, all parts together. (integer, 1 to 10000000 tensors, default 131072)
 * @since 0.2.0
 */
#define HOMELAB_OPT_GGUF_MAX_TENSORS "gguf.max_tensors"

/** Longest text value that is kept; longer ones, such as chat templates, are passed over.
 * (integer, 0 to 32768 bytes, default 4096) @since 0.2.0
 */
#define HOMELAB_OPT_GGUF_MAX_TEXT_BYTES "gguf.max_text_bytes"

/** Time between probes of an endpoint that is steadily down. (integer, 100 to 86400000 ms,
 * default 30000) @since 0.1.0
 */
#define HOMELAB_OPT_HEALTH_DOWN_INTERVAL_MS "health.down_interval_ms"

/** Bad probes in a row after which a monitor calls a usable endpoint down. (integer, 1 to 100
 * probes, default 2) @since 0.1.0
 */
#define HOMELAB_OPT_HEALTH_FALL "health.fall"

/** Time between probes while the state is changing or unclear. (integer, 100 to 86400000 ms,
 * default 2000) @since 0.1.0
 */
#define HOMELAB_OPT_HEALTH_FAST_INTERVAL_MS "health.fast_interval_ms"

/** Try a gateway's backends also where they are on hosts outside the inventory. (boolean, default
 * false) @since 0.1.0
 */
#define HOMELAB_OPT_HEALTH_FOREIGN_BACKENDS "health.foreign_backends"

/** Probes per endpoint kept for uptime and latency percentiles. (integer, 16 to 100000 probes,
 * default 512) @since 0.1.0
 */
#define HOMELAB_OPT_HEALTH_HISTORY "health.history"

/** Time between probes of an endpoint in a steady good state. (integer, 100 to 86400000 ms,
 * default 15000) @since 0.1.0
 */
#define HOMELAB_OPT_HEALTH_INTERVAL_MS "health.interval_ms"

/** Share by which intervals vary, so that probes do not fall into step. (number, 0 to 0.5 share,
 * default 0.1) @since 0.1.0
 */
#define HOMELAB_OPT_HEALTH_JITTER "health.jitter"

/** How long a busy or silent endpoint may show no progress before it is WEDGED; longer than its
 * longest batch. (integer, 1000 to 3600000 ms, default 90000) @since 0.1.0
 */
#define HOMELAB_OPT_HEALTH_PATIENCE_MS "health.patience_ms"

/** Good probes in a row after which a monitor calls a down endpoint usable again. (integer, 1 to
 * 100 probes, default 2) @since 0.1.0
 */
#define HOMELAB_OPT_HEALTH_RISE "health.rise"

/** Latency above which an endpoint is DEGRADED as slow. (integer, 1 to 3600000 ms, default 1000)
 * @since 0.1.0
 */
#define HOMELAB_OPT_HEALTH_SLOW_MS "health.slow_ms"

/** File with the certificates to trust; empty means the system's. (text, default empty) @since
 * 0.1.0
 */
#define HOMELAB_OPT_HTTP_CA_FILE "http.ca_file"

/** How long an unused connection is kept for reuse. (integer, 0 to 3600000 ms, default 118000)
 * @since 0.1.0
 */
#define HOMELAB_OPT_HTTP_IDLE_MS "http.idle_ms"

/** Accept any TLS certificate; each use is logged as a warning. (boolean, default false) @since
 * 0.1.0
 */
#define HOMELAB_OPT_HTTP_INSECURE "http.insecure"

/** Largest body of an answer; a longer one ends the transfer. (integer, 1024 to 1073741824 bytes,
 * default 4194304) @since 0.1.0
 */
#define HOMELAB_OPT_HTTP_MAX_BODY "http.max_body_bytes"

/** Proxy URL; empty means none, whatever the environment says. (text, default empty) @since 0.1.0
 */
#define HOMELAB_OPT_HTTP_PROXY "http.proxy"

/** Largest inventory text. (integer, 1024 to 268435456 bytes, default 16777216) @since 0.1.0 */
#define HOMELAB_OPT_INVENTORY_MAX_BYTES "inventory.max_bytes"

/** Problems reported for one inventory before the rest is only counted. (integer, 1 to 10000
 * problems, default 100) @since 0.1.0
 */
#define HOMELAB_OPT_INVENTORY_MAX_PROBLEMS "inventory.max_problems"

/** Deepest nesting of a JSON answer or inventory. (integer, 4 to 512 levels, default 32) @since
 * 0.1.0
 */
#define HOMELAB_OPT_JSON_MAX_DEPTH "json.max_depth"

/** Log lines kept for homelab_ctx_log_text(). (integer, 0 to 100000 lines, default 256) @since
 * 0.1.0
 */
#define HOMELAB_OPT_LOG_RING "log.ring"

/** Context of models for which the inventory gives none, at most what they were trained with.
 * (integer, 256 to 16777216 tokens, default 8192) @since 0.2.0
 */
#define HOMELAB_OPT_PLAN_CONTEXT "plan.context"

/** Least share of a model's layers that a plan puts on GPUs, where the model could run on the CPU
 * instead; 100 means all or none. (integer, 0 to 100 percent, default 25) @since 0.2.0
 */
#define HOMELAB_OPT_PLAN_LEAST_SHARE "plan.least_share"

/** Steps after which a search for a plan ends with the best found and a bound; the count of
 * steps, not time, so that the same input gives the same plan. (integer, 1 to 1000000000000
 * steps, default 20000000) @since 0.2.0
 */
#define HOMELAB_OPT_PLAN_MAX_STEPS "plan.max_steps"

/** Roles that a plan must serve, separated by commas; empty means all that a model of the
 * inventory has, none means none. (text, default empty) @since 0.2.0
 */
#define HOMELAB_OPT_PLAN_ROLES "plan.roles"

/** How long a canary waits before its answer counts as missing; the request itself is not cut
 * short. (integer, 1000 to 3600000 ms, default 120000) @since 0.1.0
 */
#define HOMELAB_OPT_PROBE_CANARY_TIMEOUT_MS "probe.canary_timeout_ms"

/** How long a sweep goes on looking at unclear endpoints, which is also its patience; 0 means not
 * at all. (integer, 0 to 3600000 ms, default 0) @since 0.1.0
 */
#define HOMELAB_OPT_PROBE_CONFIRM_MS "probe.confirm_ms"

/** Depth for all endpoints (tcp, http, scheduler, progress, canary); empty means what the
 * inventory says. (text, default empty) @since 0.1.0
 */
#define HOMELAB_OPT_PROBE_DEPTH "probe.depth"

/** Probes under way at one time. (integer, 1 to 100000 probes, default 20000) @since 0.1.0 */
#define HOMELAB_OPT_PROBE_MAX_IN_FLIGHT "probe.max_in_flight"

/** Ids of the endpoints to probe, separated by commas; empty means all. (text, default empty)
 * @since 0.1.0
 */
#define HOMELAB_OPT_PROBE_ONLY "probe.only"

/** Events kept until they are taken; further ones are dropped and counted. (integer, 16 to
 * 1000000 events, default 4096) @since 0.1.0
 */
#define HOMELAB_OPT_QUEUE_EVENTS "queue.events"

/** Candidates within so many points of the best one are as good: new affinity keys are spread
 * over them, and weights share them out. (number, 0 to 100 points, default 0.5) @since 0.2.0
 */
#define HOMELAB_OPT_ROUTER_AFFINITY_BAND "router.affinity_band"

/** How long an affinity key keeps its expert without a request; 0 means that keys are not
 * remembered. (integer, 0 to 86400000 ms, default 1800000) @since 0.2.0
 */
#define HOMELAB_OPT_ROUTER_AFFINITY_TTL_MS "router.affinity_ttl_ms"

/** Failed requests in a row after which an endpoint or model gets no more for a while; when it
 * cannot be reached, one is enough. (integer, 1 to 200 failures, default 3) @since 0.2.0
 */
#define HOMELAB_OPT_ROUTER_BREAKER_FAILURES "router.breaker_failures"

/** How long it gets at most. (integer, 1 to 86400000 ms, default 300000) @since 0.2.0 */
#define HOMELAB_OPT_ROUTER_BREAKER_MAX_MS "router.breaker_max_ms"

/** How long that while is at first; it doubles with each failed trial. (integer, 1 to 3600000 ms,
 * default 5000) @since 0.2.0
 */
#define HOMELAB_OPT_ROUTER_BREAKER_OPEN_MS "router.breaker_open_ms"

/** Pieces of answers that wait to be taken before no more is read. (integer, 1024 to 1073741824
 * bytes, default 1048576) @since 0.2.0
 */
#define HOMELAB_OPT_ROUTER_BUFFER_BYTES "router.buffer_bytes"

/** How long a request waits for its connection. (integer, 1 to 3600000 ms, default 5000) @since
 * 0.2.0
 */
#define HOMELAB_OPT_ROUTER_CONNECT_MS "router.connect_ms"

/** How long a request to a loaded model waits for the first byte of its answer; time for loading
 * is added where it is not loaded. (integer, 1 to 86400000 ms, default 120000) @since 0.2.0
 */
#define HOMELAB_OPT_ROUTER_FIRST_BYTE_MS "router.first_byte_ms"

/** Largest answer that is not streamed, and longest line of a stream. (integer, 1024 to
 * 1073741824 bytes, default 67108864) @since 0.2.0
 */
#define HOMELAB_OPT_ROUTER_MAX_ANSWER_BYTES "router.max_answer_bytes"

/** Largest body of a request that is sent. (integer, 1024 to 1073741824 bytes, default 67108864)
 * @since 0.2.0
 */
#define HOMELAB_OPT_ROUTER_MAX_REQUEST_BYTES "router.max_request_bytes"

/** How much longer than usual to wait for a preferred model: a step of preference is worth so
 * many times the task's seconds. (number, 0.01 to 100, default 1) @since 0.2.0
 */
#define HOMELAB_OPT_ROUTER_PATIENCE "router.patience"

/** Slowest rate at which a model is read that a time-out must have room for; bind mounts of
 * Docker Desktop reach about 20 MB a second. (integer, 1000000 to 100000000000 bytes a second,
 * default 20000000) @since 0.2.0
 */
#define HOMELAB_OPT_ROUTER_SLOW_LOAD_BYTES "router.slow_load_bytes"

/** How long a request waits between two pieces of its answer. (integer, 1 to 86400000 ms, default
 * 60000) @since 0.2.0
 */
#define HOMELAB_OPT_ROUTER_STALL_MS "router.stall_ms"

/** Temperature of the gate: the higher it is, the more even are the candidates' weights. (number,
 * 0.01 to 100 points, default 1) @since 0.2.0
 */
#define HOMELAB_OPT_ROUTER_TEMPERATURE "router.temperature"

/** Candidates that a decision keeps, best first, and among which the gate shares its weights.
 * (integer, 1 to 16 experts, default 4) @since 0.2.0
 */
#define HOMELAB_OPT_ROUTER_TOP_K "router.top_k"

/** How long a whole request may take, with all its attempts. (integer, 1 to 86400000 ms, default
 * 3600000) @since 0.2.0
 */
#define HOMELAB_OPT_ROUTER_TOTAL_MS "router.total_ms"

/** Logical batch. (integer, 1 to 1048576 tokens, default 2048) @since 0.2.0 */
#define HOMELAB_OPT_VRAM_BATCH "vram.batch"

/** Context: of all slots together for llama.cpp, of each for ollama; 0 means the runtime's
 * default. (integer, 0 to 2147483647 tokens, default 0) @since 0.2.0
 */
#define HOMELAB_OPT_VRAM_CONTEXT "vram.context"

/** First layers whose experts stay on the CPU. (integer, 0 to 100000 layers, default 0) @since
 * 0.2.0
 */
#define HOMELAB_OPT_VRAM_CPU_EXPERTS "vram.cpu_experts"

/** Devices of an estimate in llama.cpp's order, separated by commas: cuda or cuda:8.9 with the
 * compute capability, rocm, rpc or rpc:HOST:PORT; empty means the CPU alone. (text, default
 * cuda) @since 0.2.0
 */
#define HOMELAB_OPT_VRAM_DEVICES "vram.devices"

/** The server makes embeddings. (boolean, default false) @since 0.2.0 */
#define HOMELAB_OPT_VRAM_EMBEDDINGS "vram.embeddings"

/** Give the figures that llama.cpp's own memory fit works with, which differ from what it takes
 * on later devices. (boolean, default false) @since 0.2.0
 */
#define HOMELAB_OPT_VRAM_FIT_FIGURES "vram.fit_figures"

/** Flash attention: auto, on or off. (text, default auto) @since 0.2.0 */
#define HOMELAB_OPT_VRAM_FLASH_ATTENTION "vram.flash_attention"

/** Free memory of each device, such as 24000,8000; empty means equal. (text, default empty)
 * @since 0.2.0
 */
#define HOMELAB_OPT_VRAM_FREE_MIB "vram.free_mib"

/** Layers on devices, the output layer included; -1 means all. (integer, -1 to 100000 layers,
 * default -1) @since 0.2.0
 */
#define HOMELAB_OPT_VRAM_GPU_LAYERS "vram.gpu_layers"

/** Keep caches on the devices of their layers. (boolean, default true) @since 0.2.0 */
#define HOMELAB_OPT_VRAM_KV_OFFLOAD "vram.kv_offload"

/** Memory of each device that a fit leaves free; llama.cpp keeps 1024. (integer, 0 to 1048576
 * MiB, default 1024) @since 0.2.0
 */
#define HOMELAB_OPT_VRAM_MARGIN_MIB "vram.margin_mib"

/** CUDA was built with flash attention for all pairs of cache types. (boolean, default false)
 * @since 0.2.0
 */
#define HOMELAB_OPT_VRAM_MIXED_KV "vram.mixed_kv"

/** The model file is mapped into memory instead of read. (boolean, default true) @since 0.2.0 */
#define HOMELAB_OPT_VRAM_MMAP "vram.mmap"

/** Run large operators of layers on the CPU on a device. (boolean, default true) @since 0.2.0 */
#define HOMELAB_OPT_VRAM_OP_OFFLOAD "vram.op_offload"

/** Tokens of a batch whose logits are read at most; -1 means as the server has it, one a slot and
 * for embeddings the whole batch; 0 means the whole batch. (integer, -1 to 1048576 tokens,
 * default -1) @since 0.2.0
 */
#define HOMELAB_OPT_VRAM_OUTPUTS "vram.outputs"

/** What a process takes on an NVIDIA device beside its buffers; 457 is what Ollama reserves, and
 * an RTX 4090 was seen to take 451 to 456. (integer, 0 to 65536 MiB, default 457) @since 0.2.0
 */
#define HOMELAB_OPT_VRAM_OVERHEAD_CUDA_MIB "vram.overhead_cuda_mib"

/** What a process takes on an AMD device beside its buffers; not measured, so NVIDIA's figure
 * stands. (integer, 0 to 65536 MiB, default 457) @since 0.2.0
 */
#define HOMELAB_OPT_VRAM_OVERHEAD_ROCM_MIB "vram.overhead_rocm_mib"

/** Parallel slots; 0 means the runtime's default: 4 with one cache for llama.cpp, 1 for ollama.
 * (integer, 0 to 256 slots, default 0) @since 0.2.0
 */
#define HOMELAB_OPT_VRAM_PARALLEL "vram.parallel"

/** What runs the model: llama.cpp (its server) or ollama; decides the defaults of context and
 * slots. (text, default llama.cpp) @since 0.2.0
 */
#define HOMELAB_OPT_VRAM_RUNTIME "vram.runtime"

/** Day of the runtime's llama.cpp as YYYY-MM-DD, for behaviour that changed since; empty means
 * 2026-08-17, that of the build that all devices were measured on. (text, default empty) @since
 * 0.2.0
 */
#define HOMELAB_OPT_VRAM_RUNTIME_DATE "vram.runtime_date"

/** Full caches also for layers that see a window only. (boolean, default false) @since 0.2.0 */
#define HOMELAB_OPT_VRAM_SWA_FULL "vram.swa_full"

/** Shares of the layers for each device, such as 3,1; empty means by free memory. (text, default
 * empty) @since 0.2.0
 */
#define HOMELAB_OPT_VRAM_TENSOR_SPLIT "vram.tensor_split"

/** Type of the cache of keys, such as f16 or q8_0. (text, default f16) @since 0.2.0 */
#define HOMELAB_OPT_VRAM_TYPE_K "vram.type_k"

/** Type of the cache of values, such as f16 or q8_0. (text, default f16) @since 0.2.0 */
#define HOMELAB_OPT_VRAM_TYPE_V "vram.type_v"

/** Physical batch, for which compute buffers are made. (integer, 1 to 1048576 tokens, default
 * 512) @since 0.2.0
 */
#define HOMELAB_OPT_VRAM_UBATCH "vram.ubatch"

/** Whether slots share one cache: auto, on or off; auto is on where the slots are llama.cpp's
 * default. (text, default auto) @since 0.2.0
 */
#define HOMELAB_OPT_VRAM_UNIFIED "vram.unified"

#endif
