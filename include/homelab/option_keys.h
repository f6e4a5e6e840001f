/**
 * @file
 * @brief Keys of the options. Generated from src/core/options.def by scripts/generate; do not edit.
 */
#ifndef HOMELAB_OPTION_KEYS_H
#define HOMELAB_OPTION_KEYS_H
#endif
