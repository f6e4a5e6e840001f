/* demo.h - the built-in scenario; its text is demo.json. */
#ifndef SIM_DEMO_H
#define SIM_DEMO_H

#include <stddef.h>

extern const char sim_demo_text[];
extern const size_t sim_demo_length;

#endif
