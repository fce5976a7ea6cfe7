/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of regions. */
#include "regions.h"

#include <stddef.h>

#include "bakery/mem.h"
#include "bakery/str.h"

const struct region regions[] = {
	{"us-east-1", "use1", "abc", true},	  {"us-east-2", "use2", "abc", true},
	{"us-west-1", "usw1", "abc", true},	  {"us-west-2", "usw2", "abc", true},
	{"ca-central-1", "cac1", "abd", true},	  {"sa-east-1", "sae1", "abc", true},
	{"eu-west-1", "euw1", "abc", true},	  {"eu-west-2", "euw2", "abc", true},
	{"eu-west-3", "euw3", "abc", true},	  {"eu-central-1", "euc1", "abc", true},
	{"eu-north-1", "eun1", "abc", true},	  {"ap-south-1", "aps1", "abc", true},
	{"ap-northeast-1", "apne1", "acd", true}, {"ap-northeast-2", "apne2", "abc", true},
	{"ap-northeast-3", "apne3", "abc", true}, {"ap-southeast-1", "apse1", "abc", true},
	{"ap-southeast-2", "apse2", "abc", true}, {"eu-south-1", "eus1", "abc", false},
	{"ap-east-1", "ape1", "abc", false},	  {"me-south-1", "mes1", "abc", false},
	{"af-south-1", "afs1", "abc", false},	  {NULL, NULL, NULL, false},
};

const struct region *region_find(const char *name)
{
	for (const struct region *region = regions; region->name != NULL; region++)
		if (str_eq(region->name, name))
			return region;
	return NULL;
}

bool region_opted_in(const struct region *region, struct settings *settings)
{
	if (region == NULL || region->opted_in)
		return true;
	_cleanup_(freep) char *setting = mem_printf("optin.%s", region->name);
	return settings_on(settings, setting);
}
