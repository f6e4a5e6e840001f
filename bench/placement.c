/* Placement of models on GPUs: the library's search, a dynamic programme over subsets of models,
 * and integer programmes for CBC, on the same generated instances. bench/placement.py drives it;
 * README.md says what is measured.
 *
 *     bench_placement MODELS GPUS FIRST COUNT tight|random same|mixed UNIT [FOLDER]
 *
 * prints a line per instance: seed, times in ns, our steps, the programme's levels, our levels, and
 * the GPU of each model, -1 outside. Sizes are multiples of UNIT MiB. With FOLDER it writes the
 * instances as text for the ILP. */
#include "bench.h"

#include "place/place.h"

#define MODELS_MAX 24
#define GPUS_MAX   8
#define ROUNDS     3 /* the least counts */
#define INFEASIBLE UINT64_MAX

struct family {
    int models, gpus;
    int64_t unit; /* MiB */
    bool tight, same;
};

struct instance {
    int models, gpus;
    int64_t size[MODELS_MAX], priority[MODELS_MAX];  /* units */
    int64_t capacity[GPUS_MAX], bandwidth[GPUS_MAX]; /* units, GB/s */
};

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed * UINT64_C(0x2545F4914F6CDD1D) >> 20) % below;
}

static void generate(struct instance *instance, const struct family *family, uint64_t number)
{
    static const int64_t cards[] = {8, 10, 12, 16, 16, 24, 24, 32, 48};
    static const int64_t speeds[] = {224, 288, 360, 448, 504, 672, 936, 1008, 1792};
    seed = number * UINT64_C(0x9E3779B97F4A7C15) + 1;
    for (int k = 0; k < 20; k++)
        draw(2);
    *instance = (struct instance){.models = family->models, .gpus = family->gpus};
    int64_t total = 0, demand = 0;
    int64_t top = draw(2) ? 10 : 100;
    for (int j = 0; j < family->gpus; j++) {
        uint64_t card = draw(sizeof cards / sizeof *cards);
        instance->capacity[j] = (cards[card] * 1024 - (int64_t)draw(1500)) / family->unit;
        instance->bandwidth[j] = family->same ? 936 : speeds[card];
        total += instance->capacity[j];
    }
    for (int i = 0; i < family->models; i++) {
        instance->size[i] = (600 + (int64_t)draw(22000)) / family->unit;
        instance->priority[i] = 1 + (int64_t)draw((uint64_t)top);
        demand += instance->size[i];
    }
    if (!family->tight)
        return;
    int64_t scaled = 0;
    for (int i = 0; i < family->models; i++) {
        int64_t size = instance->size[i] * total / demand;
        instance->size[i] = size ? size : 1;
        scaled += instance->size[i];
    }
    instance->size[0] += total - scaled;
}

/* What a token reads: the planner counts weights, not what else takes memory. */
static int64_t read_size(const struct instance *instance, int i)
{
    return instance->size[i] * 9 / 10;
}

/* Bandwidths from the fastest down; returns their number. */
static int speeds_of(const struct instance *instance, int64_t *speeds)
{
    int count = 0;
    for (int j = 0; j < instance->gpus; j++) {
        int at = 0;
        while (at < count && speeds[at] > instance->bandwidth[j])
            at++;
        if (at < count && speeds[at] == instance->bandwidth[j])
            continue;
        memmove(speeds + at + 1, speeds + at, (size_t)(count - at) * sizeof *speeds);
        speeds[at] = instance->bandwidth[j];
        count++;
    }
    return count;
}

/* `at` gets the GPU of each model, -1 outside. */
static int solve(const struct instance *instance, struct hl_place_result *result, int *at)
{
    struct hl_place_item items[MODELS_MAX] = {{0}};
    static struct hl_place_option options[MODELS_MAX * (GPUS_MAX + 1)];
    static struct hl_place_use uses[MODELS_MAX * GPUS_MAX];
    int64_t speeds[GPUS_MAX];
    int groups = speeds_of(instance, speeds);
    size_t option = 0, use = 0;
    for (int i = 0; i < instance->models; i++) {
        items[i] = (struct hl_place_item){.option = option, .needs = 1, .alike = -1};
        options[option++] = (struct hl_place_option){.use_count = 0};
        for (int j = 0; j < instance->gpus; j++) {
            if (instance->size[i] > instance->capacity[j])
                continue;
            uses[use] = (struct hl_place_use){(size_t)j, instance->size[i]};
            struct hl_place_option *one = &options[option++];
            *one =
                (struct hl_place_option){.gain = {0, instance->priority[i], read_size(instance, i)},
                                         .use = use++,
                                         .use_count = 1};
            for (int g = 0; g + 1 < groups; g++)
                one->gain[3 + g] = instance->bandwidth[j] == speeds[g] ? one->gain[2] : 0;
            one->gain[2 + groups] = -instance->size[i];
        }
        items[i].option_count = option - items[i].option;
    }
    struct hl_place_problem problem = {.capacities = instance->capacity,
                                       .resource_count = (size_t)instance->gpus,
                                       .uses = uses,
                                       .options = options,
                                       .option_count = option,
                                       .items = items,
                                       .item_count = (size_t)instance->models,
                                       .level_count = 3 + groups};
    int code = hl_place_solve(result, &problem, INT64_C(100000000));
    for (int i = 0; i < instance->models && !code; i++) {
        const struct hl_place_option *taken = &options[items[i].option];
        if (result->choice[i] >= 0)
            taken += result->choice[i];
        at[i] = taken->use_count ? (int)uses[taken->use].resource : -1;
    }
    return code;
}

/* A set of models packs into GPUs taken in a fixed order; of its packings the one that has reached
 * the earliest GPU, with the most room left there, dominates the others. A state is GPUs to come
 * above 32 bits of room; more is better. */
static uint64_t *states;

static uint64_t put(const struct instance *instance, uint64_t state, int64_t size)
{
    if ((int64_t)(uint32_t)state >= size)
        return state - (uint64_t)size;
    for (uint64_t to_come = state >> 32; to_come > 0; to_come--) {
        int64_t capacity = instance->capacity[(uint64_t)instance->gpus - to_come];
        if (capacity >= size)
            return (to_come - 1) << 32 | (uint64_t)(capacity - size);
    }
    return INFEASIBLE;
}

static void programme(const struct instance *instance, int64_t *levels)
{
    static int64_t volume[1 << 12][2], worth[1 << 12][2], read[1 << 12][2];
    int half = instance->models / 2;
    int64_t total = 0;
    for (int j = 0; j < instance->gpus; j++)
        total += instance->capacity[j];
    for (int part = 0; part < 2; part++) {
        int first = part ? half : 0, count = part ? instance->models - half : half;
        for (uint32_t set = 1; set < 1u << count; set++) {
            int low = __builtin_ctz(set);
            volume[set][part] = volume[set & (set - 1)][part] + instance->size[first + low];
            worth[set][part] = worth[set & (set - 1)][part] + instance->priority[first + low];
            read[set][part] = read[set & (set - 1)][part] + read_size(instance, first + low);
        }
    }
    int64_t best = 0, fastest = 0, lightest = 0;
    states[0] = (uint64_t)instance->gpus << 32;
    for (uint32_t set = 1; set < 1u << instance->models; set++) {
        uint32_t low = set & ((1u << half) - 1), high = set >> half;
        int64_t size = volume[low][0] + volume[high][1];
        uint64_t most = INFEASIBLE;
        states[set] = INFEASIBLE;
        if (size > total)
            continue;
        for (uint32_t rest = set; rest; rest &= rest - 1) {
            int i = __builtin_ctz(rest);
            uint64_t before = states[set & ~(1u << i)];
            if (before == INFEASIBLE) {
                most = INFEASIBLE;
                break;
            }
            uint64_t after = put(instance, before, instance->size[i]);
            if (after != INFEASIBLE && (most == INFEASIBLE || after > most))
                most = after;
        }
        states[set] = most;
        if (most == INFEASIBLE)
            continue;
        int64_t value = worth[low][0] + worth[high][1];
        int64_t fast = read[low][0] + read[high][1];
        if (value > best ||
            (value == best && (fast > fastest || (fast == fastest && size < lightest)))) {
            best = value;
            fastest = fast;
            lightest = size;
        }
    }
    levels[0] = best;
    levels[1] = fastest;
    levels[2] = -lightest;
}

static void write_instance(const struct instance *instance, const char *folder, uint64_t number)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%llu.txt", folder, (unsigned long long)number);
    FILE *file = fopen(path, "w");
    if (!file)
        exit(2);
    for (int j = 0; j < instance->gpus; j++)
        fprintf(file, "gpu %lld %lld\n", (long long)instance->capacity[j],
                (long long)instance->bandwidth[j]);
    for (int i = 0; i < instance->models; i++)
        fprintf(file, "model %lld %lld %lld\n", (long long)instance->size[i],
                (long long)instance->priority[i], (long long)read_size(instance, i));
    fclose(file);
}

static void print(const struct instance *instance, uint64_t number, const int64_t *ns,
                  const int64_t *programmed, const struct hl_place_result *result, const int *at)
{
    printf("%llu ns %lld dp_ns %lld steps %lld proven %d dp %lld %lld %lld levels",
           (unsigned long long)number, (long long)ns[0], (long long)ns[1], (long long)result->steps,
           result->proven, (long long)programmed[0], (long long)programmed[1],
           (long long)programmed[2]);
    for (int level = 1; level < HL_PLACE_LEVELS; level++)
        printf(" %lld", (long long)result->level[level]);
    printf(" at");
    for (int i = 0; i < instance->models; i++)
        printf(" %d", at[i]);
    printf("\n");
    fflush(stdout);
}

static int compare(const struct family *family, uint64_t number, const char *folder)
{
    struct instance instance;
    struct hl_place_result result;
    int at[MODELS_MAX];
    int64_t levels[3], least[2] = {INT64_MAX, INT64_MAX};
    generate(&instance, family, number);
    if (folder)
        write_instance(&instance, folder, number);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = bench_now_ns();
        if (solve(&instance, &result, at))
            return 2;
        int64_t middle = bench_now_ns();
        programme(&instance, levels);
        int64_t end = bench_now_ns();
        least[0] = middle - start < least[0] ? middle - start : least[0];
        least[1] = end - middle < least[1] ? end - middle : least[1];
    }
    print(&instance, number, least, levels, &result, at);
    return 0;
}

int main(int count, char **values)
{
    if (count < 8)
        return 2;
    struct family family = {.models = atoi(values[1]),
                            .gpus = atoi(values[2]),
                            .unit = atoi(values[7]),
                            .tight = strcmp(values[5], "tight") == 0,
                            .same = strcmp(values[6], "same") == 0};
    uint64_t first = strtoull(values[3], NULL, 10), end = first + strtoull(values[4], NULL, 10);
    if (family.models < 1 || family.models > MODELS_MAX || family.gpus < 1 ||
        family.gpus > GPUS_MAX || family.unit < 1 || family.unit > 512)
        return 2;
    states = malloc(sizeof *states << family.models);
    if (!states)
        return 2;
    memset(states, 0, sizeof *states << family.models);
    int code = 0;
    for (uint64_t number = first; number < end && !code; number++)
        code = compare(&family, number, count > 8 ? values[8] : NULL);
    free(states);
    return code;
}
