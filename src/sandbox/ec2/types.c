/* SPDX-License-Identifier: Apache-2.0
 *
 * The instance types that the sandbox knows: names and sizes only, a machine takes what this host gives it. */
#include <stdlib.h>
#include <string.h>

#include "../regions.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"

static const struct instance_type types[] = {
	{"m1.small", "x86_64", 1, 1740, false, false},	  {"t2.micro", "x86_64", 1, 1024, true, false},
	{"t2.small", "x86_64", 1, 2048, true, false},	  {"t2.medium", "x86_64", 2, 4096, true, false},
	{"t3.nano", "x86_64", 2, 512, true, false},	  {"t3.micro", "x86_64", 2, 1024, true, false},
	{"t3.small", "x86_64", 2, 2048, true, false},	  {"t3.medium", "x86_64", 2, 4096, true, false},
	{"t3.large", "x86_64", 2, 8192, true, false},	  {"t3a.micro", "x86_64", 2, 1024, true, false},
	{"t3a.small", "x86_64", 2, 2048, true, false},	  {"t3a.medium", "x86_64", 2, 4096, true, false},
	{"m5.large", "x86_64", 2, 8192, false, false},	  {"m5.xlarge", "x86_64", 4, 16384, false, false},
	{"m5a.large", "x86_64", 2, 8192, false, false},	  {"m6i.large", "x86_64", 2, 8192, false, false},
	{"m6i.xlarge", "x86_64", 4, 16384, false, false}, {"m6a.large", "x86_64", 2, 8192, false, false},
	{"m7i.large", "x86_64", 2, 8192, false, false},	  {"m7i.xlarge", "x86_64", 4, 16384, false, false},
	{"m7a.large", "x86_64", 2, 8192, false, false},	  {"c5.large", "x86_64", 2, 4096, false, false},
	{"c6i.large", "x86_64", 2, 4096, false, false},	  {"c7i.large", "x86_64", 2, 4096, false, true},
	{"r5.large", "x86_64", 2, 16384, false, false},	  {"r6i.large", "x86_64", 2, 16384, false, false},
	{"t4g.nano", "arm64", 2, 512, true, false},	  {"t4g.micro", "arm64", 2, 1024, true, false},
	{"t4g.small", "arm64", 2, 2048, true, false},	  {"t4g.medium", "arm64", 2, 4096, true, false},
	{"m6g.large", "arm64", 2, 8192, false, false},	  {"m6g.xlarge", "arm64", 4, 16384, false, false},
	{"m7g.large", "arm64", 2, 8192, false, false},	  {"m7g.xlarge", "arm64", 4, 16384, false, false},
	{"c6g.large", "arm64", 2, 4096, false, false},	  {"c7g.large", "arm64", 2, 4096, false, false},
	{"r6g.large", "arm64", 2, 16384, false, true},
};

const struct instance_type *instance_type_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (str_eq(types[i].name, name))
			return &types[i];
	return NULL;
}

const struct instance_type *instance_type_at(size_t index)
{
	return index < ARRAY_SIZE(types) ? &types[index] : NULL;
}

bool instance_type_offered(const struct instance_type *type, const char *zone)
{
	size_t length = strlen(zone);
	_cleanup_(freep) char *name = mem_strndup(zone, length == 0 ? 0 : length - 1);
	const struct region *region = region_find(name);
	if (!type->scarce || region == NULL)
		return true;
	return zone[length - 1] != region->zones[strlen(region->zones) - 1];
}

bool instance_type_check(struct request *rq, const char *name, const char *architecture)
{
	const struct instance_type *type = instance_type_find(name);
	if (type == NULL)
		return refuse(rq, "InvalidParameterValue", "Invalid value '%s' for InstanceType.", name);
	if (str_eq(type->architecture, architecture))
		return true;
	return refuse(
		rq, "InvalidParameterValue",
		"The architecture '%s' of the specified instance type does not match the architecture '%s' of the "
		"specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.",
		type->architecture, architecture);
}

/* --- DescribeInstanceTypes --- */

static const struct filter type_filters[] = {
	{"bare-metal", "bareMetal"},
	{"burstable-performance-supported", "burstablePerformanceSupported"},
	{"current-generation", "currentGeneration"},
	{"hypervisor", "hypervisor"},
	{"instance-type", "instanceType"},
	{"memory-info.size-in-mib", "memoryInfo.sizeInMiB"},
	{"processor-info.supported-architecture", "processorInfo.supportedArchitectures.*"},
	{"supported-boot-mode", "supportedBootModes.*"},
	{"supported-root-device-type", "supportedRootDeviceTypes.*"},
	{"supported-virtualization-type", "supportedVirtualizationTypes.*"},
	{"vcpu-info.default-vcpus", "vCpuInfo.defaultVCpus"},
	{NULL, NULL},
};

static void add_texts(struct tree *document, const char *key, const char *first, const char *second)
{
	struct tree *list = tree_set_array(document, key);
	tree_add_text(list, first);
	if (second != NULL)
		tree_add_text(list, second);
}

static void add_ebs_and_network(struct tree *document, bool nitro)
{
	struct tree *ebs = tree_set_object(document, "ebsInfo");
	tree_set_text(ebs, "ebsOptimizedSupport", nitro ? "default" : "unsupported");
	tree_set_text(ebs, "encryptionSupport", "supported");
	tree_set_text(ebs, "nvmeSupport", nitro ? "required" : "unsupported");
	struct tree *network = tree_set_object(document, "networkInfo");
	tree_set_text(network, "enaSupport", nitro ? "required" : "unsupported");
	tree_set_bool(network, "ipv6Supported", true);
}

static struct tree *describe_type(const struct instance_type *type)
{
	bool arm = str_eq(type->architecture, "arm64"),
	     nitro = !str_starts(type->name, "t2.") && !str_starts(type->name, "m1.");
	struct tree *document = tree_new_object();
	tree_set_text(document, "instanceType", type->name);
	tree_set_bool(document, "currentGeneration", nitro);
	tree_set_bool(document, "freeTierEligible", str_eq(type->name, "t2.micro") || str_eq(type->name, "t3.micro"));
	add_texts(document, "supportedUsageClasses", "on-demand", "spot");
	add_texts(document, "supportedRootDeviceTypes", "ebs", NULL);
	add_texts(document, "supportedVirtualizationTypes", "hvm", NULL);
	tree_set_bool(document, "bareMetal", false);
	tree_set_text(document, "hypervisor", nitro ? "nitro" : "xen");
	add_texts(tree_set_object(document, "processorInfo"), "supportedArchitectures", type->architecture, NULL);
	struct tree *cpus = tree_set_object(document, "vCpuInfo");
	tree_set_int(cpus, "defaultVCpus", type->vcpus);
	tree_set_int(cpus, "defaultCores", arm || type->vcpus == 1 ? type->vcpus : type->vcpus / 2);
	tree_set_int(cpus, "defaultThreadsPerCore", arm || type->vcpus == 1 ? 1 : 2);
	tree_set_int(tree_set_object(document, "memoryInfo"), "sizeInMiB", type->memory_mib);
	tree_set_bool(document, "instanceStorageSupported", false);
	add_ebs_and_network(document, nitro);
	tree_set_bool(document, "hibernationSupported", false);
	tree_set_bool(document, "burstablePerformanceSupported", type->burstable);
	tree_set_bool(document, "dedicatedHostsSupported", false);
	tree_set_bool(document, "autoRecoverySupported", true);
	add_texts(document, "supportedBootModes", arm ? "uefi" : "legacy-bios", arm || !nitro ? NULL : "uefi");
	return document;
}

static bool describe_instance_types(struct request *rq)
{
	const struct tree *wanted = arg_tree(rq, "InstanceType");
	for (struct tree_iter i = tree_iter(wanted); tree_next(&i);)
		if (instance_type_find(tree_text(i.value, NULL)) == NULL)
			return refuse(rq, "InvalidInstanceType",
				      "The following supplied instance types do not exist: [%s]",
				      tree_text_or(i.value, NULL, ""));
	struct tree *found = tree_new_array();
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (wanted == NULL || list_has(wanted, types[i].name))
			tree_add(found, describe_type(&types[i]));
	return apply_filters(rq, type_filters, &found) && reply_page(rq, "instanceTypeSet", found);
}

/* --- DescribeInstanceTypeOfferings --- */

static const struct filter offering_filters[] = {
	{"instance-type", "instanceType"}, {"location", "location"}, {NULL, NULL}};

static void add_offering(struct tree *offerings, const char *type, const char *location_type, char *location)
{
	struct tree *offering = tree_add_object(offerings);
	tree_set_text(offering, "instanceType", type);
	tree_set_text(offering, "locationType", location_type);
	tree_set_text(offering, "location", location);
	free(location);
}

static void add_offerings(struct tree *offerings, const struct instance_type *type, const char *location_type,
			  const struct region *region)
{
	if (str_eq(location_type, "region")) {
		add_offering(offerings, type->name, location_type, mem_strdup(region->name));
		return;
	}
	for (size_t i = 0; region->zones[i] != '\0'; i++) {
		_cleanup_(freep) char *zone = mem_printf("%s%c", region->name, region->zones[i]);
		if (instance_type_offered(type, zone))
			add_offering(offerings, type->name, location_type,
				     str_eq(location_type, "availability-zone")
					     ? take(&zone)
					     : mem_printf("%s-az%zu", region->zone_id, i + 1));
	}
}

static bool describe_instance_type_offerings(struct request *rq)
{
	static const char *const kinds[] = {"region", "availability-zone", "availability-zone-id"};
	const char *kind = arg_or(rq, "LocationType", "region");
	if (!str_eq(kind, kinds[0]) && !str_eq(kind, kinds[1]) && !str_eq(kind, kinds[2]))
		return refuse(rq, "InvalidParameterValue", "Value (%s) for parameter LocationType is invalid", kind);
	struct tree *offerings = tree_new_array();
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		add_offerings(offerings, &types[i], kind, region_find(rq->region));
	return apply_filters(rq, offering_filters, &offerings) && reply_page(rq, "instanceTypeOfferingSet", offerings);
}

const struct operation ec2_type_operations[] = {
	{"DescribeInstanceTypes", describe_instance_types, OPERATION_DRY_RUN, "InstanceType.N " ARGS_FILTERS},
	{"DescribeInstanceTypeOfferings", describe_instance_type_offerings, OPERATION_DRY_RUN,
	 "LocationType " ARGS_FILTERS},
	{NULL},
};
