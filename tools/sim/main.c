/* homelab-sim: plays a described cluster of AI servers on loopback ports. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cluster.h"
#include "control.h"
#include "demo.h"
#include "inventory.h"
#include "options.h"
#include "run.h"
#include "scale.h"

enum {
    EXIT_USAGE = 64,
    EXIT_DATA = 65,
    EXIT_START = 69,
    MAX_SCENARIO = 8 << 20
};

/* Everything that runs, for the signal and timer callbacks. */
struct program {
    struct sim sim;
    struct sim_scale *scale; /* instead of the scenario's endpoints */
    struct sim_options options;
    struct sim_scenario scenario;
    struct sim_run run;
    struct sim_timer end;
    sigset_t signals;
    int signal_fd;
    struct sim_watch *signal_watch;
    char *inventory; /* path */
    bool inventory_is_ours;
};

static char *read_file(const char *path, size_t *length)
{
    struct sim_buf text = {0};
    char chunk[16384];
    size_t count = 0;
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (file == NULL) {
        sim_complain("cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    while (text.length <= MAX_SCENARIO && (count = fread(chunk, 1, sizeof chunk, file)) > 0)
        sim_buf_add(&text, chunk, count);
    bool failed = ferror(file) != 0;
    if (file != stdin)
        fclose(file);
    if (!failed && text.length <= MAX_SCENARIO) {
        *length = text.length;
        return text.data != NULL ? text.data : sim_strdup("");
    }
    sim_complain("cannot read %s: %s", path, failed ? "input error" : "larger than 8 MiB");
    sim_buf_free(&text);
    return NULL;
}

static bool load_scenario(struct program *program)
{
    const struct sim_options *options = &program->options;
    struct sim_reader reader = {.name = options->demo ? "demo" : options->scenario};
    size_t length = sim_demo_length;
    char *text = options->demo ? sim_strdup(sim_demo_text) : read_file(options->scenario, &length);
    if (text == NULL)
        return false;
    bool good = sim_scenario_parse(&reader, text, length, &program->scenario);
    if (!good && reader.problems.data != NULL)
        fputs(reader.problems.data, stderr);
    sim_reader_free(&reader);
    free(text);
    return good;
}

static void on_signal(void *arg, uint32_t events)
{
    struct program *program = arg;
    struct signalfd_siginfo info;
    (void)events;
    while (read(program->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (program->run.pid > 0)
            sim_run_signal(&program->run, (int)info.ssi_signo);
        else
            sim_loop_stop(program->sim.loop);
    }
}

static void on_end(void *arg)
{
    struct program *program = arg;
    sim_loop_stop(program->sim.loop);
}

static bool watch_signals(struct program *program)
{
    sigemptyset(&program->signals);
    sigaddset(&program->signals, SIGTERM);
    sigaddset(&program->signals, SIGINT);
    sigaddset(&program->signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &program->signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    program->signal_fd = signalfd(-1, &program->signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (program->signal_fd >= 0)
        program->signal_watch =
            sim_watch_add(program->sim.loop, program->signal_fd, EPOLLIN, on_signal, program);
    if (program->signal_watch != NULL)
        return true;
    sim_complain("cannot watch signals: %s", strerror(errno));
    return false;
}

static bool tie_to_parent(void)
{
    pid_t parent = getppid();
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent) {
        sim_complain("the parent process has ended");
        return false;
    }
    return true;
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Where the inventory goes: as asked, or to a temporary file for --run. */
static bool choose_inventory(struct program *program)
{
    if (program->options.inventory != NULL) {
        program->inventory = sim_strdup(program->options.inventory);
        return true;
    }
    if (program->options.command == NULL)
        return true;
    const char *folder = getenv("TMPDIR");
    program->inventory = sim_printf("%s/homelab-sim-XXXXXX.json", folder != NULL ? folder : "/tmp");
    int fd = mkstemps(program->inventory, 5);
    program->inventory_is_ours = fd >= 0;
    if (fd < 0)
        sim_complain("cannot make %s: %s", program->inventory, strerror(errno));
    sim_close(&fd);
    return program->inventory_is_ours;
}

static void set_environment(struct program *program)
{
    const cJSON *env = cJSON_GetObjectItemCaseSensitive(program->scenario.json, "env");
    const cJSON *item = env != NULL ? env->child : NULL;
    for (; item != NULL; item = item->next) {
        if (cJSON_IsString(item))
            setenv(item->string, item->valuestring, 1);
    }
    for (size_t i = 0; i < program->scenario.endpoint_count; i++) {
        const struct sim_endpoint_config *endpoint = &program->scenario.endpoints[i];
        if (endpoint->api_key_env != NULL && endpoint->client_key != NULL)
            setenv(endpoint->api_key_env, endpoint->client_key, 1);
    }
    if (program->sim.control != NULL) {
        char *url = sim_printf("http://127.0.0.1:%d", sim_control_port(program->sim.control));
        setenv("HOMELAB_SIM_CONTROL", url, 1);
        free(url);
    }
    setenv("HOMELAB_INVENTORY", program->inventory, 1);
}

static bool announce(const struct program *program)
{
    int fd = program->options.ready_fd >= 0 ? program->options.ready_fd : STDOUT_FILENO;
    char *line = program->sim.control != NULL ? sim_printf("ready control=http://127.0.0.1:%d\n",
                                                           sim_control_port(program->sim.control))
                                              : sim_strdup("ready\n");
    size_t length = strlen(line);
    bool good = write(fd, line, length) == (ssize_t)length;
    if (!good)
        sim_complain("cannot write the ready line: %s", strerror(errno));
    free(line);
    if (program->options.ready_fd >= 0)
        close(program->options.ready_fd);
    return good;
}

static bool begin(struct program *program)
{
    const struct sim_options *options = &program->options;
    if (options->seconds > 0)
        sim_timer_set(program->sim.loop, &program->end,
                      sim_monotonic_ms() + (int64_t)(options->seconds * 1000));
    if (options->command == NULL)
        return announce(program);
    if (options->ready_fd >= 0 && !announce(program))
        return false;
    set_environment(program);
    return sim_run_start(&program->run, program->sim.loop, options->command);
}

static bool open_endpoints(struct program *program)
{
    struct sim *sim = &program->sim;
    const struct sim_options *options = &program->options;
    const char *inventory = program->inventory;
    if (options->scale > 0) {
        program->scale = sim_scale_start(options);
        return program->scale != NULL &&
               (inventory == NULL || sim_scale_write_inventory(program->scale, inventory));
    }
    if (!sim_cluster_start(sim, &program->scenario))
        return false;
    if (options->control_port >= 0 &&
        (sim->control = sim_control_start(sim, options->control_port)) == NULL)
        return false;
    return inventory == NULL || sim_inventory_write(sim, &program->scenario, inventory);
}

static int play(struct program *program)
{
    struct sim *sim = &program->sim;
    if (!open_endpoints(program) || !begin(program))
        return EXIT_START;
    if (!sim_loop_run(sim->loop)) {
        sim_complain("cannot wait for events: %s", strerror(errno));
        return EXIT_START;
    }
    return 0;
}

static void clean_up(struct program *program)
{
    struct sim *sim = &program->sim;
    sim_timer_clear(sim->loop, &program->end);
    sim_watch_remove(sim->loop, program->signal_watch);
    sim_close(&program->signal_fd);
    sim_scale_stop(program->scale);
    sim_control_stop(sim->control);
    sim_cluster_stop(sim);
    sim_scenario_free(&program->scenario);
    sim_loop_free(sim->loop);
    if (program->inventory_is_ours)
        remove(program->inventory);
    free(program->inventory);
}

static int play_all(struct program *program)
{
    int status = EXIT_START;
    program->sim.loop = sim_loop_new();
    if (program->sim.loop == NULL) {
        sim_complain("cannot make an epoll set: %s", strerror(errno));
        return EXIT_START;
    }
    sim_timer_init(&program->end, on_end, program);
    if (watch_signals(program) && choose_inventory(program))
        status = play(program);
    if (program->run.loop != NULL) {
        sim_run_end(&program->run);
        status = status == 0 ? program->run.status : status;
    }
    clean_up(program);
    return status;
}

static void *json_alloc(size_t size)
{
    return sim_alloc(size);
}

int main(int argc, char *argv[])
{
    struct program program = {.signal_fd = -1};
    cJSON_Hooks hooks = {.malloc_fn = json_alloc, .free_fn = free};
    switch (sim_options_parse(argc, argv, &program.options)) {
    case SIM_PARSED_DONE:
        return 0;
    case SIM_PARSED_WRONG:
        return EXIT_USAGE;
    default:
        break;
    }
    if (program.options.print_demo) {
        fputs(sim_demo_text, stdout);
        return 0;
    }
    cJSON_InitHooks(&hooks);
    if (program.options.die_with_parent && !tie_to_parent())
        return EXIT_START;
    raise_descriptor_limit();
    bool loads = program.options.scale == 0;
    if (loads && !load_scenario(&program)) {
        sim_scenario_free(&program.scenario);
        return EXIT_DATA;
    }
    if (program.options.check) {
        sim_scenario_free(&program.scenario);
        return 0;
    }
    return play_all(&program);
}
