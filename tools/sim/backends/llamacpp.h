/* What llama-server's single-model and router modes share. */
#ifndef SIM_LLAMACPP_H
#define SIM_LLAMACPP_H

#include "backend.h"

#define SIM_LLAMACPP_TYPE "application/json; charset=utf-8"

void sim_llamacpp_error(const struct sim_call *call, int status, const char *type,
                        const char *message);
/* Adds "architecture": what goes in and comes out. */
void sim_llamacpp_modalities(cJSON *json, const struct sim_model *model);
void sim_llamacpp_props(const struct sim_call *call, const struct sim_model_run *model);
void sim_llamacpp_slots(const struct sim_call *call);
void sim_llamacpp_metrics(const struct sim_call *call);
/* Chat, completion and embedding requests; false when the path is none of them. */
bool sim_llamacpp_start(const struct sim_call *call);
void sim_llamacpp_unknown(const struct sim_call *call);

void sim_llamacpp_router_handle(const struct sim_call *call);

#endif
