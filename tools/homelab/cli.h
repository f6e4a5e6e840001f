/* What the subcommands share. stdout holds exactly one document, messages go to stderr, and a
 * command that ends with CLI_ERROR has printed nothing on stdout. */
#ifndef CLI_H
#define CLI_H

#include <homelab/homelab.h>
#include <stdbool.h>
#include <stdio.h>

#define CLI_HEALTHY  0
#define CLI_DEGRADED 1
#define CLI_DOWN     2
#define CLI_ERROR    3 /* usage, inventory or system */

struct command {
    const char *name;
    const char *summary;
    const char *usage; /* the arguments after the name, then the options one a line */
    int (*run)(const struct command *self, int argc, char **argv);
};

extern const struct command command_status, command_validate, command_whatif, command_discover,
    command_gguf, command_options, command_plan, command_route, command_ask, command_version,
    command_help;
const struct command *find_command(const char *name);
void print_usage(FILE *stream, const struct command *command);
/* Prints usage where it belongs: for -h on stdout with 0, for a wrong option on stderr with 3. */
int usage_end(const struct command *self, int option);

/* "homelab: MESSAGE" on stderr; returns CLI_ERROR. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The library's last error, after what was tried. */
int fail_library(const char *tried);
/* Makes a bag of options; `key=value` texts from -o may follow with set_option(). */
int set_option(homelab_opts *opts, const char *assignment);
/* The inventory named by --inventory or else by HOMELAB_INVENTORY. Every problem of the file is a
 * line on stderr. */
int load_inventory(homelab_inventory **out, const char *path, const homelab_opts *opts);
/* Writes the one document; a full disk or a closed pipe is an error. */
int put_document(const char *text);

/* --- Text for people --- */
struct text {
    char *data;
    size_t length;
    FILE *stream; /* writes into data */
};
bool text_open(struct text *text);
/* The text, for free(), or NULL without memory. */
char *text_close(struct text *text);

/* Columns of a text on a terminal; control characters count as the one that replaces them. */
int text_width(const char *text);
/* At most width columns of it (-1: all), safe for a terminal, padded with spaces up to pad. */
void put_text(FILE *stream, const char *text, int width, int pad);

struct look {
    bool colours;
    int width; /* of the terminal, 0: none */
    bool verbose;
};
/* How stdout wants it: colours only on a terminal, and not with NO_COLOR or TERM=dumb. */
struct look stdout_look(void);
void put_verdict(FILE *stream, const struct look *look, int verdict, int pad);
void put_dim(FILE *stream, const struct look *look, const char *text);
/* Tiers, their endpoints, and last the prognosis with capabilities. */
void put_status(FILE *stream, const struct look *look, const homelab_snapshot *snapshot);
void put_prognosis(FILE *stream, const struct look *look, const homelab_snapshot *snapshot);
/* A JSON string with quotes. */
void put_json(FILE *stream, const char *text);

int verdict_exit(int verdict);
/* Labels the rows of a JSONL file (- for stdin); CLI_ERROR after the last when one was bad. */
int route_eval(const char *path);
/* What the memory model says of the rows of a JSONL file (- for stdin), whose headers are in
 * folder; CLI_ERROR after the last when one could not be read. */
int plan_eval(const char *rows, const char *folder);

#endif
