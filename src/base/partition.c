/* SPDX-License-Identifier: Apache-2.0
 *
 * The facts of partitions, as AWS's SDKs have them in partitions.json; tests/models holds the table against that. */
#include "bakery/partition.h"

#include <string.h>

#include "bakery/str.h"

static const struct partition partitions[] = {
	{"aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-northwest-1"},
	{"aws-us-gov", "us-gov-", "amazonaws.com", "api.aws", "us-gov-west-1"},
	{"aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1"},
	{"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1"},
	{"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-west-1"},
	{"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-south-1"},
	{"aws-eusc", "eusc-", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1"},
	{"aws", "", "amazonaws.com", "api.aws", "us-east-1"},
};

const struct partition *partition_of(const char *region)
{
	size_t i = 0;
	while (!str_starts(region, partitions[i].prefix)) /* the last prefix fits all */
		i++;
	return &partitions[i];
}

const struct partition *partition_of_arn(const char *arn)
{
	size_t length = str_starts(arn, "arn:") ? strcspn(arn + 4, ":") : 0, i = 0;
	while (i + 1 < ARRAY_SIZE(partitions) &&
	       !(strlen(partitions[i].name) == length && memcmp(partitions[i].name, arn + 4, length) == 0))
		i++;
	return &partitions[i];
}

const struct partition *partition_at(size_t index)
{
	return index < ARRAY_SIZE(partitions) ? &partitions[index] : NULL;
}
