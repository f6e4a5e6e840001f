/* scale_answer.h - the fixed answers of the trivial endpoints, and just enough HTTP to pick one. */
#ifndef SIM_SCALE_ANSWER_H
#define SIM_SCALE_ANSWER_H

#include "util.h"

/* Ready-made responses, one for each path that is served; the last is the 404. */
struct sim_scale_answers {
    struct {
        const char *path;
        struct sim_buf bytes;
    } items[8];
    size_t count;
};

void sim_scale_answers_make(struct sim_scale_answers *answers, bool openai);
void sim_scale_answers_free(struct sim_scale_answers *answers);

/* Length of the first whole request in the input, its answer in *out; 0 = not whole yet. */
size_t sim_scale_take(const struct sim_scale_answers *answers, const char *input, size_t length,
                      const struct sim_buf **out);

#endif
