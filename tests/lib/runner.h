/* SPDX-License-Identifier: Apache-2.0
 *
 * Playbooks made in C and run over a test sshd, with everything that the runner told kept. */
#ifndef BAKERY_TEST_RUNNER_H
#define BAKERY_TEST_RUNNER_H

#include "bakery/runner.h"
#include "tests/lib/sshd.h"

#define MOST_STEPS 64

struct told_step {
	enum step_result result;
	int status, attempts;
	char *id, *why, *output, *evidence;
	int64_t started_ms, ended_ms;
};
struct told { /* by the runner's events */
	struct told_step steps[MOST_STEPS];
	size_t count, began;
	struct str out, errors; /* live */
	int reconnections;
	bool refuse;			      /* the record cannot be written */
	void (*on_output)(struct told *told); /* called with each piece of output */
	const struct test_sshd *sshd;
	struct stop *stop;
	int calls;
	char run_id[24];
	const char *fixed_run_id; /* instead of one at random */
};

void told_free(struct told *told);
/* Nothing of the run is left on the machine. */
bool told_nothing_left(const struct told *told);
/* Runs the steps (count of them; ids and places are filled in where missing). */
bool run_steps(const struct test_sshd *sshd, struct step *steps, size_t count, const struct runner_options *options,
	       struct told *told, struct error *err);
/* The same in RUNNER_APPLY with nothing special, and must work. */
void must_run_steps(const struct test_sshd *sshd, struct step *steps, size_t count, struct told *told);

#endif
