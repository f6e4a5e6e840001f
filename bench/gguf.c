/* Reads a generated GGUF header by turns with a plain walk over the same bytes and with the
 * library:
 *
 *     bench_gguf [ROUNDS]
 *     bench_gguf --write FILE            the header alone, for peers
 *     bench_gguf --answer FILE ROUNDS    from a file to what its model needs
 *
 * The header is that of a 7B model with the vocabulary of its family: 26 keys, 339 tensors, 152,064
 * tokens, 151,387 merges, 6.02 MB. */
#include "bench.h"
#include "gguf_walk.h"
#include "support/gguf_writer.h"

#include <homelab/homelab.h>

#include <unistd.h>

#define TOKENS 152064
#define MERGES 151387
#define LAYERS 28
#define WIDTH  3584
#define HIDDEN 18944
#define Q4_K   12
#define Q6_K   14

/* --- The header --- */

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 16;
}

/* The first four letters count, since llama.cpp refuses a vocabulary with a token twice. */
static void write_texts(struct gguf_writer *writer, const char *name, int count, uint32_t spread,
                        bool pairs)
{
    uint32_t seed = 1;
    char text[64];
    gguf_key_array(writer, name, 8, (uint64_t)count);
    for (int i = 0; i < count; i++) {
        uint32_t length = 4 + next_random(&seed) % spread;
        for (uint32_t j = 0, rest = (uint32_t)i; j < length; j++, rest /= 26)
            text[j] = (char)('a' + (j < 4 ? rest : next_random(&seed)) % 26);
        if (pairs)
            text[length / 2] = ' ';
        text[length] = '\0';
        gguf_text(writer, text);
    }
}

static void write_keys(struct gguf_writer *writer)
{
    char template[2510];
    memset(template, 'x', sizeof template - 1);
    template[sizeof template - 1] = '\0';
    gguf_key_text(writer, "general.architecture", "qwen2");
    gguf_key_text(writer, "general.type", "model");
    gguf_key_text(writer, "general.name", "Generated 7B Instruct");
    gguf_key_text(writer, "general.version", "v1");
    gguf_key_text(writer, "general.finetune", "instruct");
    gguf_key_text(writer, "general.size_label", "7B");
    gguf_key_u32(writer, "general.file_type", 15);
    gguf_key_u32(writer, "general.quantization_version", 2);
    gguf_key_u32(writer, "qwen2.block_count", LAYERS);
    gguf_key_u32(writer, "qwen2.context_length", 131072);
    gguf_key_u32(writer, "qwen2.embedding_length", WIDTH);
    gguf_key_u32(writer, "qwen2.feed_forward_length", HIDDEN);
    gguf_key_u32(writer, "qwen2.attention.head_count", 28);
    gguf_key_u32(writer, "qwen2.attention.head_count_kv", 4);
    gguf_key(writer, "qwen2.rope.freq_base", 6);
    gguf_number(writer, 0x49742400, 4);
    gguf_key(writer, "qwen2.attention.layer_norm_rms_epsilon", 6);
    gguf_number(writer, 0x358637bd, 4);
    gguf_key_text(writer, "tokenizer.ggml.model", "gpt2");
    gguf_key_text(writer, "tokenizer.ggml.pre", "qwen2");
    write_texts(writer, "tokenizer.ggml.tokens", TOKENS, 7, false);
    gguf_key_array(writer, "tokenizer.ggml.token_type", 5, TOKENS);
    for (int i = 0; i < TOKENS; i++)
        gguf_number(writer, 1, 4);
    write_texts(writer, "tokenizer.ggml.merges", MERGES, 18, true);
    gguf_key_u32(writer, "tokenizer.ggml.eos_token_id", 151645);
    gguf_key_u32(writer, "tokenizer.ggml.padding_token_id", 151643);
    gguf_key_u32(writer, "tokenizer.ggml.bos_token_id", 151643);
    gguf_key(writer, "tokenizer.ggml.add_bos_token", 7);
    gguf_number(writer, 0, 1);
    gguf_key_text(writer, "tokenizer.chat_template", template);
}

static uint64_t write_tensor(struct gguf_writer *writer, const char *name, uint64_t ne0,
                             uint64_t ne1, uint32_t type, uint64_t offset)
{
    uint64_t elements = ne0 * (ne1 ? ne1 : 1);
    uint64_t bytes = type == Q4_K   ? elements / 256 * 144
                     : type == Q6_K ? elements / 256 * 210
                                    : elements * 4;
    gguf_tensor(writer, name, ne0, ne1, type, offset);
    return offset + (bytes + 31) / 32 * 32;
}

static void write_tensors(struct gguf_writer *writer)
{
    static const struct {
        const char *name;
        uint64_t ne0, ne1;
        uint32_t type;
    } layer[] = {
        {"attn_norm.weight", WIDTH, 0, 0},
        {"ffn_down.weight", HIDDEN, WIDTH, Q6_K},
        {"ffn_gate.weight", WIDTH, HIDDEN, Q4_K},
        {"ffn_up.weight", WIDTH, HIDDEN, Q4_K},
        {"ffn_norm.weight", WIDTH, 0, 0},
        {"attn_k.bias", 512, 0, 0},
        {"attn_k.weight", WIDTH, 512, Q4_K},
        {"attn_output.weight", WIDTH, WIDTH, Q4_K},
        {"attn_q.bias", WIDTH, 0, 0},
        {"attn_q.weight", WIDTH, WIDTH, Q4_K},
        {"attn_v.bias", 512, 0, 0},
        {"attn_v.weight", WIDTH, 512, Q6_K},
    };
    char name[64];
    uint64_t offset = write_tensor(writer, "token_embd.weight", WIDTH, TOKENS, Q4_K, 0);
    for (int i = 0; i < LAYERS; i++) {
        for (size_t j = 0; j < sizeof layer / sizeof *layer; j++) {
            snprintf(name, sizeof name, "blk.%d.%s", i, layer[j].name);
            offset = write_tensor(writer, name, layer[j].ne0, layer[j].ne1, layer[j].type, offset);
        }
    }
    offset = write_tensor(writer, "output_norm.weight", WIDTH, 0, 0, offset);
    write_tensor(writer, "output.weight", WIDTH, TOKENS, Q6_K, offset);
}

static int write_header(const char *path)
{
    struct gguf_writer writer = {0};
    gguf_begin(&writer, 3, 3 + 12 * LAYERS, 26);
    write_keys(&writer);
    write_tensors(&writer);
    gguf_pad(&writer, 32);
    FILE *file = fopen(path, "wb");
    bool good = file && fwrite(writer.data, 1, writer.length, file) == writer.length;
    if (file)
        good &= fclose(file) == 0;
    printf("header: %zu bytes, 26 keys, %d tensors, %d tokens, %d merges\n", writer.length,
           3 + 12 * LAYERS, TOKENS, MERGES);
    free(writer.data);
    return good ? 0 : 1;
}

/* --- Memory: each block knows its size --- */

struct meter {
    size_t now, peak;
};

static void *count_block(struct meter *meter, size_t *block, size_t size)
{
    if (!block)
        return NULL;
    *block = size;
    meter->now += size;
    if (meter->now > meter->peak)
        meter->peak = meter->now;
    return block + 2;
}

static void *meter_malloc(size_t size, void *userdata)
{
    return count_block(userdata, malloc(size + 2 * sizeof(size_t)), size);
}

static void meter_free(void *block, void *userdata)
{
    struct meter *meter = userdata;
    size_t *start = (size_t *)block - 2;
    meter->now -= *start;
    free(start);
}

/* Old and new exist at one time, as in the worst case of realloc(). */
static void *meter_realloc(void *block, size_t size, void *userdata)
{
    void *grown = meter_malloc(size, userdata);
    if (!grown || !block)
        return grown;
    size_t before = ((size_t *)block)[-2];
    memcpy(grown, block, before < size ? before : size);
    meter_free(block, userdata);
    return grown;
}

static int measure_memory(const char *path)
{
    struct meter meter = {0};
    homelab_allocator *allocator;
    homelab_opts *opts;
    homelab_gguf *gguf;
    if (homelab_allocator_new(&allocator, meter_malloc, meter_realloc, meter_free, &meter) ||
        homelab_opts_new(&opts) || homelab_opts_set_allocator(opts, allocator))
        return 1;
    size_t before = meter.now;
    if (homelab_gguf_load_file(&gguf, path, opts))
        return 1;
    printf("memory: peak %zu bytes, of which %zu are kept: %zu beyond\n", meter.peak - before,
           meter.now - before, meter.peak - meter.now);
    homelab_gguf_unref(gguf);
    homelab_opts_free(opts);
    homelab_allocator_free(allocator);
    return 0;
}

/* --- Time --- */

static int64_t time_walk(const char *path)
{
    struct walk_result result;
    int64_t start = bench_now_ns();
    bool good = gguf_walk(path, &result) == 0 && result.texts > TOKENS + MERGES;
    return good ? bench_now_ns() - start : -1;
}

static int64_t time_ours(const char *path)
{
    homelab_gguf *gguf;
    int64_t start = bench_now_ns();
    if (homelab_gguf_load_file(&gguf, path, NULL))
        return -1;
    int64_t time = bench_now_ns() - start;
    bool good = homelab_gguf_vocabulary_size(gguf) == TOKENS;
    homelab_gguf_unref(gguf);
    return good ? time : -1;
}

/* From the file to what the model needs at a context of 8192. */
static int64_t time_answer(const char *path, const homelab_opts *opts)
{
    homelab_gguf *gguf;
    homelab_estimate *estimate = NULL;
    int64_t start = bench_now_ns();
    if (homelab_gguf_load_file(&gguf, path, NULL))
        return -1;
    bool good = homelab_estimate_new(&estimate, gguf, opts) == HOMELAB_OK;
    int64_t time = bench_now_ns() - start;
    homelab_estimate_unref(estimate);
    homelab_gguf_unref(gguf);
    return good ? time : -1;
}

static int measure_answer(const char *path, int rounds)
{
    homelab_opts *opts = NULL;
    int64_t *answers = calloc((size_t)rounds, sizeof *answers);
    bool good =
        answers && !homelab_opts_new(&opts) && !homelab_opts_set_int(opts, "vram.context", 8192);
    for (int i = 0; good && i < rounds; i++) {
        answers[i] = time_answer(path, opts);
        good = answers[i] > 0;
    }
    if (good) {
        qsort(answers, (size_t)rounds, sizeof *answers, bench_compare);
        int middle = rounds / 2;
        printf("answer: from the file to what it needs, median %.3f ms, least %.3f ms\n",
               (double)answers[middle] / 1e6, (double)answers[0] / 1e6);
    }
    homelab_opts_free(opts);
    free(answers);
    return good ? 0 : 1;
}

static int measure_time(const char *path, int rounds)
{
    int64_t *walks = calloc((size_t)rounds, sizeof *walks);
    int64_t *ours = calloc((size_t)rounds, sizeof *ours);
    bool good = walks && ours;
    for (int i = 0; good && i < rounds; i++) {
        walks[i] = time_walk(path);
        ours[i] = time_ours(path);
        good = walks[i] > 0 && ours[i] > 0;
    }
    if (good) {
        qsort(walks, (size_t)rounds, sizeof *walks, bench_compare);
        qsort(ours, (size_t)rounds, sizeof *ours, bench_compare);
        int middle = rounds / 2;
        double walk = (double)walks[middle], our = (double)ours[middle];
        printf("walk: median %.3f ms, least %.3f ms\n", walk / 1e6, (double)walks[0] / 1e6);
        printf("ours: median %.3f ms, least %.3f ms\n", our / 1e6, (double)ours[0] / 1e6);
        printf("ratio: %.2f of medians, %.2f of the least\n", our / walk,
               (double)ours[0] / (double)walks[0]);
    }
    free(walks);
    free(ours);
    return good ? 0 : 1;
}

int main(int argument_count, char **arguments)
{
    if (argument_count == 3 && strcmp(arguments[1], "--write") == 0)
        return write_header(arguments[2]);
    int rounds = argument_count > 1 ? atoi(arguments[argument_count - 1]) : 200;
    if (rounds < 1)
        return 2;
    if (argument_count == 4 && strcmp(arguments[1], "--answer") == 0)
        return measure_answer(arguments[2], rounds);
    char path[] = "/tmp/bench-gguf-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    int code = write_header(path) || measure_time(path, rounds) || measure_memory(path) ||
               measure_answer(path, rounds);
    unlink(path);
    if (code)
        fprintf(stderr, "bench_gguf: failed: %s\n", homelab_error_message());
    return code;
}
