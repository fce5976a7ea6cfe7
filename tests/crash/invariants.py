# SPDX-License-Identifier: Apache-2.0
"""What must hold of the cloud and the history however a build ended. Each function gives the violations it sees, as sentences."""

REGIONS = ("us-east-1", "eu-west-1")
DEAD = ("terminated",)


def nothing_left(lane, images_allowed):
    """Nothing but images_allowed (ids) and their snapshots: no instance, volume, group, key, role, profile; the ledger is empty."""
    status = lane.status()
    found = []
    found += ["instance %s is %s" % (i["instance"], i["state"]) for i in status["instances"] if i["state"] not in DEAD]
    found += ["image %s (%s) in %s" % (i["image"], i["name"], i["region"]) for i in status["images"] if i["image"] not in images_allowed]
    for kind in ("volumes", "key_pairs", "security_groups", "roles", "instance_profiles"):
        found += ["%s: %s" % (kind, one) for one in status.get(kind, [])]
    snapshots = {s for region in REGIONS for image in describe_images(lane, region) for s in snapshots_of(image)}
    found += ["snapshot %s belongs to no image" % one for one in status["snapshots"] if one not in snapshots]
    return found


def ledger_empty(lane):
    return ["the ledger holds %s %s" % (row["kind"], row.get("id")) for row in lane.ask("gc", "--dry-run", "--ledger", "--sandbox")]


def describe_images(lane, region):
    return lane.client("ec2", region).describe_images(Owners=["self"])["Images"]


def snapshots_of(image):
    return [b["Ebs"]["SnapshotId"] for b in image["BlockDeviceMappings"] if "Ebs" in b and "SnapshotId" in b["Ebs"]]


def tag(image, key):
    return next((t["Value"] for t in image.get("Tags", []) if t["Key"] == key), None)


def images_of(lane, build):
    """region -> the images that carry the build's tag."""
    return {region: [i for i in describe_images(lane, region) if tag(i, "bakery:build") == build] for region in REGIONS}


def is_shared(lane, region, ami):
    answer = lane.client("ec2", region).describe_image_attribute(ImageId=ami, Attribute="launchPermission")
    return any("OrganizationArn" in p for p in answer["LaunchPermissions"])


def parameter_history(lane, region):
    client = lane.client("ssm", region)
    try:
        pages = client.get_paginator("get_parameter_history").paginate(Name=lane.parameter)
        return [v["Value"] for page in pages for v in page["Parameters"]]
    except client.exceptions.ParameterNotFound:
        return []


def pointers_good(lane):
    """A pointer names an image that is there, available and shared, whatever happened."""
    found = []
    for region in REGIONS:
        history = parameter_history(lane, region)
        if not history:
            continue
        images = {i["ImageId"]: i for i in describe_images(lane, region)}
        if history[-1] not in images:
            found.append("%s: the pointer names %s, which is not there" % (region, history[-1]))
        elif images[history[-1]]["State"] != "available":
            found.append("%s: the pointer names %s, which is %s" % (region, history[-1], images[history[-1]]["State"]))
        elif not is_shared(lane, region, history[-1]):
            found.append("%s: the pointer names %s, which is not shared" % (region, history[-1]))
        found += ["%s: the pointer was moved to %s %d times" % (region, ami, history.count(ami)) for ami in set(history) if history.count(ami) > 1]
    return found


def finished(lane, build):
    """A build that was finished: one image a region, shared, pointed to, moved once."""
    found = []
    for region, images in images_of(lane, build).items():
        if len(images) != 1:
            found.append("%s: %d images of the build" % (region, len(images)))
            continue
        ami = images[0]["ImageId"]
        if images[0]["State"] != "available":
            found.append("%s: %s is %s" % (region, ami, images[0]["State"]))
        if not is_shared(lane, region, ami):
            found.append("%s: %s is not shared" % (region, ami))
        history = parameter_history(lane, region)
        if not history or history[-1] != ami:
            found.append("%s: the pointer is %s, not %s" % (region, history[-1:] or "not there", ami))
        if history.count(ami) != 1:
            found.append("%s: the pointer was moved to %s %d times" % (region, ami, history.count(ami)))
    status = lane.ask("show", build)["status"]
    if status != "done":
        found.append("history says %s" % status)
    return found


def told(lane, build):
    """The history tells of it, and its chain is whole."""
    found = []
    shown = lane.ask("show", build)
    if shown["status"] == "running":
        found.append("history says running, but nobody works on it")
    if not shown["stages"] and shown["status"] != "interrupted":  # it may have died before its first stage
        found.append("history knows no stage of it")
    return found
