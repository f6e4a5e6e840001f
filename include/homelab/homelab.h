/**
 * @file
 * @brief libhomelab: what a home AI cluster consists of and what it can do right now. Includes
 * every part.
 */
#ifndef HOMELAB_HOMELAB_H
#define HOMELAB_HOMELAB_H

#include <homelab/classify.h>
#include <homelab/ctx.h>
#include <homelab/error.h>
#include <homelab/event.h>
#include <homelab/gguf.h>
#include <homelab/inventory.h>
#include <homelab/memory.h>
#include <homelab/options.h>
#include <homelab/plan.h>
#include <homelab/prober.h>
#include <homelab/router.h>
#include <homelab/secret.h>
#include <homelab/snapshot.h>
#include <homelab/version.h>
#include <homelab/vram.h>

#endif
