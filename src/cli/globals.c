/* SPDX-License-Identifier: Apache-2.0
 *
 * The options that every command understands. */
#include "globals.h"

#define AT(member) offsetof(struct globals, member)

const struct option global_options[] = {
	{"--format", 0, OPTION_TEXT, AT(format), "FORMAT", "results as table, json, jsonl or csv"},
	{"--region", 0, OPTION_TEXT, AT(region), "REGION", "AWS region (else the recipe's, AWS_REGION, the profile's)"},
	{"--profile", 0, OPTION_TEXT, AT(profile), "NAME", "profile of the AWS configuration files"},
	{"--config", 0, OPTION_TEXT, AT(config), "FILE", "settings (else bakery.yaml, searched upward)"},
	{"--store", 0, OPTION_TEXT, AT(store), "FILE",
	 "database (else $BAKERY_STORE, the settings', the user's state folder)"},
	{"--sandbox", 0, OPTION_FLAG, AT(sandbox), NULL,
	 "use the local sandbox instead of AWS; starts it when none runs"},
	{"--events", 0, OPTION_TEXT, AT(events), "FILE", "write what happens as JSON lines"},
	{"--verbose", 'v', OPTION_FLAG, AT(verbose), NULL, "say more"},
	{"--trace", 0, OPTION_FLAG, AT(trace), NULL, "say every request to AWS, too"},
	{"--quiet", 'q', OPTION_FLAG, AT(quiet), NULL, "say only what goes wrong"},
	{"--no-color", 0, OPTION_FLAG, AT(no_color), NULL, "no colors (also when NO_COLOR is set)"},
	{"--yes", 'y', OPTION_FLAG, AT(yes), NULL, "do not ask before something is destroyed"},
	{"--help", 'h', OPTION_FLAG, AT(help), NULL, "this help"},
	{0},
};
