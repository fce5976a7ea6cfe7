/* SPDX-License-Identifier: Apache-2.0
 *
 * One attribute of an instance at a time: a table says where each stands in the document and what it takes to change
 * it. */
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"

static const struct attribute {
	const char *name, *path, *argument; /* argument NULL: cannot be changed */
	bool boolean, stopped;		    /* stopped: only while the instance is */
} attributes[] = {
	{"instanceType", "instanceType", "InstanceType.Value", false, true},
	{"userData", "_userData", "UserData.Value", false, true},
	{"disableApiTermination", "_protected", "DisableApiTermination.Value", true, false},
	{"disableApiStop", "_stopProtected", "DisableApiStop.Value", true, false},
	{"instanceInitiatedShutdownBehavior", "_shutdown", "InstanceInitiatedShutdownBehavior.Value", false, false},
	{"rootDeviceName", "rootDeviceName", NULL, false, false},
	{"ebsOptimized", "ebsOptimized", "EbsOptimized.Value", true, true},
	{"sourceDestCheck", "sourceDestCheck", "SourceDestCheck.Value", true, false},
	{"enaSupport", "enaSupport", "EnaSupport.Value", true, true},
	{"sriovNetSupport", "sriovNetSupport", "SriovNetSupport.Value", false, true},
	{"kernel", "kernelId", NULL, false, false},
	{"ramdisk", "ramdiskId", NULL, false, false},
};

static bool describe_instance_attribute(struct request *rq)
{
	const char *name = arg_or(rq, "Attribute", "");
	_cleanup_(tree_freep) struct tree *instance = instance_find(rq, arg(rq, "InstanceId"));
	if (instance == NULL)
		return false;
	tree_set_text(rq->reply, "instanceId", tree_text(instance, "instanceId"));
	if (str_eq(name, "groupSet") || str_eq(name, "blockDeviceMapping") || str_eq(name, "productCodes")) {
		tree_set(rq->reply, name, tree_share(tree_key(instance, name)));
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (!str_eq(attributes[i].name, name))
			continue;
		const struct tree *value = tree_get(instance, attributes[i].path);
		struct tree *holder = tree_set_object(rq->reply, name);
		if (value != NULL && !str_eq(tree_text(value, NULL), ""))
			tree_set(holder, "value", tree_copy(value));
		return true;
	}
	return refuse(rq, "InvalidParameterValue", "Value (%s) for parameter attribute is invalid. Unknown attribute",
		      name);
}

static bool change(struct request *rq, struct tree *instance, const struct attribute *attribute, const char *value)
{
	if (attribute->stopped && instance_state(instance) != INSTANCE_STOPPED)
		return refuse(rq, "IncorrectInstanceState", "The instance '%s' is not in the 'stopped' state.",
			      tree_text(instance, "instanceId"));
	if (str_eq(attribute->name, "instanceType") &&
	    !instance_type_check(rq, value, tree_text(instance, "architecture")))
		return false;
	if (str_eq(attribute->name, "instanceInitiatedShutdownBehavior") && !str_eq(value, "stop") &&
	    !str_eq(value, "terminate"))
		return refuse(rq, "InvalidParameterValue", "Value (%s) for parameter %s is invalid", value,
			      attribute->name);
	if (attribute->boolean)
		tree_set_bool(instance, attribute->path, strcasecmp(value, "true") == 0);
	else
		tree_set_text(instance, attribute->path, value);
	return true;
}

static bool change_groups(struct request *rq, struct tree *instance)
{
	_cleanup_(tree_freep) struct tree *groups =
		need_objects(rq, "security-group", "GroupId", "InvalidGroup.NotFound", "security group");
	if (groups == NULL)
		return false;
	struct tree *set = tree_new_array();
	for (struct tree_iter i = tree_iter(groups); tree_next(&i);) {
		struct tree *one = tree_add_object(set);
		tree_set_text(one, "groupId", tree_text(i.value, "groupId"));
		tree_set_text(one, "groupName", tree_text(i.value, "groupName"));
	}
	tree_set(tree_get(instance, "networkInterfaceSet.1"), "groupSet", tree_copy(set));
	tree_set(instance, "groupSet", set);
	return true;
}

static bool modify_instance_attribute(struct request *rq)
{
	size_t changed = 0;
	_cleanup_(tree_freep) struct tree *instance = instance_find(rq, arg(rq, "InstanceId"));
	if (instance == NULL)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		const char *value = attributes[i].argument == NULL ? NULL : arg(rq, attributes[i].argument);
		if (value == NULL && str_eq(arg(rq, "Attribute"), attributes[i].name))
			value = arg(rq, "Value");
		if (value == NULL)
			continue;
		if (!change(rq, instance, &attributes[i], value))
			return false;
		changed++;
	}
	if (arg_tree(rq, "GroupId") != NULL && !change_groups(rq, instance))
		return false;
	if (changed == 0 && arg_tree(rq, "GroupId") == NULL)
		return refuse(rq, "InvalidParameterCombination", "No attributes specified.");
	put_object(rq, "instance", tree_text(instance, "instanceId"), instance);
	reply_return(rq);
	return true;
}

static bool modify_metadata_options(struct request *rq)
{
	static const struct {
		const char *argument, *path;
	} options[] = {{"HttpTokens", "httpTokens"},
		       {"HttpPutResponseHopLimit", "httpPutResponseHopLimit"},
		       {"HttpEndpoint", "httpEndpoint"},
		       {"InstanceMetadataTags", "instanceMetadataTags"}};
	_cleanup_(tree_freep) struct tree *instance = instance_find(rq, arg(rq, "InstanceId"));
	if (instance == NULL)
		return false;
	struct tree *holder = tree_key(instance, "metadataOptions");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (arg(rq, options[i].argument) != NULL)
			tree_set(holder, options[i].path, tree_copy(arg_tree(rq, options[i].argument)));
	put_object(rq, "instance", tree_text(instance, "instanceId"), instance);
	tree_set_text(rq->reply, "instanceId", tree_text(instance, "instanceId"));
	tree_set(rq->reply, "instanceMetadataOptions", tree_copy(holder));
	return true;
}

const struct operation ec2_instance_attribute_operations[] = {
	{"DescribeInstanceAttribute", describe_instance_attribute, OPERATION_DRY_RUN, "InstanceId! Attribute!"},
	{"ModifyInstanceAttribute", modify_instance_attribute, OPERATION_DRY_RUN,
	 "InstanceId! Attribute Value GroupId.N InstanceType.Value UserData.Value DisableApiTermination.Value:bool "
	 "DisableApiStop.Value:bool InstanceInitiatedShutdownBehavior.Value EbsOptimized.Value:bool "
	 "SourceDestCheck.Value:bool "
	 "EnaSupport.Value:bool SriovNetSupport.Value"},
	{"ModifyInstanceMetadataOptions", modify_metadata_options, OPERATION_DRY_RUN,
	 "InstanceId! HttpTokens HttpPutResponseHopLimit:int HttpEndpoint InstanceMetadataTags"},
	{NULL},
};
