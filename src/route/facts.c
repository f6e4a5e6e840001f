#include "route/facts.h"

#include "route/approx.h"

#include <string.h>
#include <strings.h>

/* Bytes a parameter of a usual quantization takes. */
#define BYTES_PER_PARAMETER 0.6
#define USUAL_SIZE          4.7e9
#define UNKNOWN_SPEED       30.0

/* --- Names --- */

/* Whether a word of the name, or its start or end, is that: no letters go on around it. */
static bool has_word(const char *name, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = strcasestr(name, word); at; at = strcasestr(at + 1, word)) {
        bool before = at > name && ((at[-1] | 0x20) >= 'a' && (at[-1] | 0x20) <= 'z');
        char next = at[length];
        bool after = (next | 0x20) >= 'a' && (next | 0x20) <= 'z';
        if (!before && !after)
            return true;
    }
    return false;
}

static bool has_any(const char *name, const char *const *parts)
{
    for (; *parts; parts++)
        if (strcasestr(name, *parts))
            return true;
    return false;
}

static bool has_any_word(const char *name, const char *const *words)
{
    for (; *words; words++)
        if (has_word(name, *words))
            return true;
    return false;
}

static bool names_embedding(const char *name)
{
    static const char *const parts[] = {"embed", "minilm", "paraphrase-", NULL};
    static const char *const words[] = {"bge", "gte", NULL};
    return has_any(name, parts) || has_any_word(name, words);
}

static bool names_reranker(const char *name)
{
    return strcasestr(name, "rerank") != NULL;
}

static bool names_vision(const char *name)
{
    static const char *const parts[] = {"llava",     "vision",   "pixtral",  "minicpm-v",
                                        "moondream", "internvl", "smolvlm",  "qwen2.5vl",
                                        "qwen2vl",   "qwen3vl",  "qwen3-vl", NULL};
    return has_any(name, parts) || has_word(name, "vl") || has_word(name, "vlm");
}

static bool names_code(const char *name)
{
    static const char *const parts[] = {"code", "starcoder", "devstral", "stable-code", NULL};
    return has_any(name, parts) && !strcasestr(name, "decode");
}

static bool names_reasoning(const char *name)
{
    static const char *const parts[] = {"reason", "think", "qwq", "magistral", "gpt-oss", NULL};
    static const char *const words[] = {"r1", "o1", "o3", NULL};
    return has_any(name, parts) || has_any_word(name, words);
}

/* Trained to go on with a text, not to answer. */
static bool names_base(const char *name)
{
    return has_word(name, "base") || strcasestr(name, "-text-") || strcasestr(name, ":text");
}

/* --- Abilities --- */

static uint32_t told_by_name(const char *name)
{
    if (names_embedding(name))
        return HL_ABILITY_EMBEDDING;
    if (names_reranker(name))
        return 0;
    return HL_ABILITY_COMPLETION | (names_vision(name) ? HL_ABILITY_VISION : 0);
}

static uint32_t told_by_roles(uint32_t roles)
{
    uint32_t abilities = 0;
    if (roles & 1u << HL_CAP_EMBED)
        abilities |= HL_ABILITY_EMBEDDING;
    if (roles & 1u << HL_CAP_VISION)
        abilities |= HL_ABILITY_VISION | HL_ABILITY_COMPLETION;
    if (roles & ~(1u << HL_CAP_EMBED | 1u << HL_CAP_VISION))
        abilities |= HL_ABILITY_COMPLETION;
    return abilities;
}

uint32_t hl_model_abilities(const struct hl_model_facts *facts)
{
    if (facts->declared)
        return facts->declared | (facts->declared & HL_ABILITY_VISION ? HL_ABILITY_COMPLETION : 0);
    uint32_t by_roles = told_by_roles(facts->roles);
    uint32_t known = facts->reported;
    /* llama.cpp reports completion of an embedding server too. */
    if (known && names_embedding(facts->name))
        known = HL_ABILITY_EMBEDDING;
    if (!known)
        known = told_by_name(facts->name);
    else if (!(known & (HL_ABILITY_COMPLETION | HL_ABILITY_EMBEDDING)))
        known |= told_by_name(facts->name) & (HL_ABILITY_COMPLETION | HL_ABILITY_EMBEDDING);
    return by_roles ? by_roles | (known & HL_ABILITY_TOOLS) : known;
}

bool hl_tools_known(const struct hl_model_facts *facts)
{
    return facts->declared || (facts->reported && (facts->backend == HOMELAB_BACKEND_OLLAMA ||
                                                   facts->backend == HOMELAB_BACKEND_LMSTUDIO));
}

/* --- Size --- */

/* Reads digits with at most one point; returns the first character after them. */
static const char *read_number(const char *at, double *number)
{
    double place = 0;
    *number = 0;
    for (; (*at >= '0' && *at <= '9') || (*at == '.' && place <= 0); at++) {
        if (*at == '.') {
            place = 1;
        } else if (place > 0) {
            place /= 10;
            *number += place * (*at - '0');
        } else if (*number < 1e6) {
            *number = *number * 10 + (*at - '0');
        }
    }
    return at;
}

static bool goes_on(char c)
{
    char lower = (char)(c | 0x20);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

/* The largest number before a b or m that ends there: "7b", "1.5b", "135m"; "8x7b" counts all its
 * parts. */
static double parameters_of_name(const char *name)
{
    double found = 0, parts = 1, number;
    for (const char *at = name; *at;) {
        if (*at < '0' || *at > '9') {
            parts = 1;
            at++;
            continue;
        }
        at = read_number(at, &number);
        char unit = (char)(*at | 0x20);
        if (unit == 'x' && at[1] >= '0' && at[1] <= '9') {
            parts = number;
            at++;
            continue;
        }
        if ((unit == 'b' || unit == 'm') && !goes_on(at[1])) {
            double size = parts * number / (unit == 'm' ? 1000 : 1);
            found = size > found ? size : found;
        }
        parts = 1;
    }
    return found < 1e5 ? found : 0;
}

double hl_model_parameters(const struct hl_model_facts *facts)
{
    double found = parameters_of_name(facts->name);
    if (found > 0)
        return found;
    return facts->size_bytes > 0 ? (double)facts->size_bytes / BYTES_PER_PARAMETER / 1e9 : 0;
}

/* --- Fit --- */

static double between(double low, double value, double high)
{
    return value < low ? low : value > high ? high : value;
}

/* Larger models answer better; doublings count. */
static double by_size(double parameters, double step)
{
    return parameters > 0 ? between(-3, step * hl_log2(parameters / 7), 3) : 0;
}

static double by_smallness(double parameters)
{
    return parameters > 0 ? between(-4, -hl_log2(parameters / 3), 2) : 0;
}

double hl_model_fit(const struct hl_model_facts *facts, int task)
{
    double parameters = hl_model_parameters(facts);
    bool codes = names_code(facts->name), reasons = names_reasoning(facts->name);
    bool sees = hl_model_abilities(facts) & HL_ABILITY_VISION;
    double fit = names_base(facts->name) ? -3 : 0;
    switch (task) {
    case HL_CAP_CODE:
        fit += by_size(parameters, 0.8) + (codes ? 3 : 0) + (reasons ? 0.5 : 0);
        break;
    case HL_CAP_REASON:
        fit += by_size(parameters, 1) + (reasons ? 3 : 0) - (codes ? 1 : 0);
        break;
    case HL_CAP_CHAT:
        fit += by_size(parameters, 0.8) - (codes ? 1.5 : 0) - (reasons ? 1 : 0);
        break;
    case HL_CAP_VISION:
        fit += by_size(parameters, 0.8);
        break;
    case HL_CAP_FAST:
        fit += by_smallness(parameters) - (codes ? 1 : 0) - (reasons ? 2 : 0);
        break;
    default:
        break;
    }
    if (sees && task != HL_CAP_VISION)
        fit -= 0.25;
    if (facts->roles && task < HL_CAP_COUNT)
        fit += facts->roles & 1u << task ? 3 : -6;
    return fit;
}

/* --- Speed --- */

double hl_expected_speed(const struct hl_speed_facts *facts)
{
    if (facts->elsewhere)
        return UNKNOWN_SPEED;
    double size = facts->size_bytes > 0 ? (double)facts->size_bytes : USUAL_SIZE;
    bool fallen = facts->gpu && facts->vram_bytes >= 0 && facts->size_bytes > 0 &&
                  facts->vram_bytes < facts->size_bytes / 2;
    if (!facts->gpu || fallen)
        return between(1, 6 * USUAL_SIZE / size, 60);
    if (facts->bandwidth_bytes > 0)
        return between(1, 0.6 * (double)facts->bandwidth_bytes / size, 300);
    return between(2, 40 * USUAL_SIZE / size, 200);
}
