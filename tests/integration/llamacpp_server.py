"""llama.cpp's server as xllamacpp carries it. Runs in the component's own interpreter:
llamacpp_server.py '{"model": PATH, "port": N, ...}', every other key an attribute of CommonParams."""

import json
import sys
import time

import xllamacpp

options = json.loads(sys.argv[1])
params = xllamacpp.CommonParams()
params.model.path = options.pop("model")
params.hostnames = ["127.0.0.1"]
threads = options.pop("threads")
params.cpuparams.n_threads = threads
params.cpuparams_batch.n_threads = threads
if options.get("embedding"):
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
draft = options.pop("draft", None)
if draft:
    params.speculative.draft.mparams.path = draft
    params.speculative.types = [xllamacpp.common_speculative_type.COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE]
for name, value in options.items():
    setattr(params, name, value)
server = xllamacpp.Server(params)
while True:
    time.sleep(3600)
