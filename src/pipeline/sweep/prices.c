/* SPDX-License-Identifier: Apache-2.0
 *
 * What leftovers cost: list prices of us-east-1 for Linux on demand, which are enough to tell cents from thousands.
 * https://aws.amazon.com/ebs/pricing/, https://aws.amazon.com/ec2/pricing/on-demand/ */
#include <stdlib.h>
#include <string.h>

#include "bakery/str.h"
#include "bakery/sweep.h"

const char sweep_prices_of[] = "January 2025";

enum { HOURS_A_MONTH = 730 };

static const struct {
	const char *type;
	double gib_month;
} volumes[] = {
	{"gp3", 0.08},	{"gp2", 0.10},	{"io1", 0.125},	    {"io2", 0.125},
	{"st1", 0.045}, {"sc1", 0.015}, {"standard", 0.05},
};

/* A family's prices double with each size: an hour of its ".large" tells the others. */
static const struct {
	const char *family;
	double large_hour;
} families[] = {
	{"t2", 0.0928},	 {"t3", 0.0832},   {"t3a", 0.0752},  {"t4g", 0.0672}, {"m4", 0.10},    {"m5", 0.096},
	{"m5a", 0.086},	 {"m6i", 0.096},   {"m6a", 0.0864},  {"m6g", 0.077},  {"m7i", 0.1008}, {"m7a", 0.11592},
	{"m7g", 0.0816}, {"c4", 0.10},	   {"c5", 0.085},    {"c5a", 0.077},  {"c6i", 0.085},  {"c6a", 0.0765},
	{"c6g", 0.068},	 {"c7i", 0.08925}, {"c7a", 0.10264}, {"c7g", 0.0725}, {"r5", 0.126},   {"r5a", 0.113},
	{"r6i", 0.126},	 {"r6a", 0.1134},  {"r6g", 0.1008},  {"r7i", 0.1323}, {"r7g", 0.1071},
};

static const struct {
	const char *size;
	double larges;
} sizes[] = {
	{"nano", 1.0 / 16}, {"micro", 1.0 / 8}, {"small", 0.25}, {"medium", 0.5}, {"large", 1}, {"xlarge", 2},
};

double sweep_volume_month_usd(const char *type, int64_t size_gib)
{
	for (size_t i = 0; i < ARRAY_SIZE(volumes); i++) {
		if (str_eq(volumes[i].type, type))
			return volumes[i].gib_month * (double)size_gib;
	}
	return -1;
}

/* As if nothing were shared with an earlier snapshot: the most that it can be. */
double sweep_snapshot_month_usd(int64_t size_gib)
{
	return 0.05 * (double)size_gib;
}

/* "xlarge" is two larges, "12xlarge" twelve times that; 0: not known. */
static double larges_of(const char *size)
{
	char *end;
	long times = strtol(size, &end, 10);

	if (end != size)
		return times > 0 && str_eq(end, "xlarge") ? 2.0 * (double)times : 0;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (str_eq(sizes[i].size, size))
			return sizes[i].larges;
	}
	return 0;
}

double sweep_instance_month_usd(const char *type)
{
	const char *dot = type ? strchr(type, '.') : NULL;

	for (size_t i = 0; dot && i < ARRAY_SIZE(families); i++) {
		if (strlen(families[i].family) == (size_t)(dot - type) &&
		    strncmp(families[i].family, type, (size_t)(dot - type)) == 0 && larges_of(dot + 1) > 0)
			return families[i].large_hour * larges_of(dot + 1) * HOURS_A_MONTH;
	}
	return -1;
}
