#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What Packer leaves behind when it is killed: a plain amazon-ebs build, killed with SIGKILL at its Nth request, N = 1, 2, ...

    packer.py BAKERY SOURCE [--stride K]

Prints a line for each point and a summary. It judges nothing: a comparison for docs/crash-safety.md.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import Counter

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import invariants
from lane import Lane, wait_for


def template(lane):
    images = lane.client("ec2", "us-east-1").describe_images(Owners=["136693071363"])["Images"]
    newest = max((i for i in images if i["Name"].startswith("debian-12-amd64") and i["Architecture"] == "x86_64"), key=lambda i: i["CreationDate"])
    path = os.path.join(lane.work, "packer.json")
    with open(path, "w") as out:
        json.dump({
            "builders": [{"type": "amazon-ebs", "access_key": lane.env["AWS_ACCESS_KEY_ID"], "secret_key": lane.env["AWS_SECRET_ACCESS_KEY"],
                          "region": "us-east-1", "custom_endpoint_ec2": lane.env["AWS_ENDPOINT_URL"], "skip_region_validation": True,
                          "skip_credential_validation": True, "skip_metadata_api_check": True, "source_ami": newest["ImageId"],
                          "instance_type": "m5.large", "ssh_username": "admin", "ami_name": "packer-{{timestamp}}", "ssh_timeout": "1m"}],
            "provisioners": [{"type": "shell", "inline": ["echo baked | sudo tee /etc/word"]}],
        }, out)
    return path


def left(lane):
    """Kinds of what is there now, with how many of each."""
    status, found = lane.status(), Counter()
    found["instance"] = sum(i["state"] not in invariants.DEAD for i in status["instances"])
    for kind in ("volumes", "key_pairs", "security_groups", "snapshots"):
        found[kind[:-1].replace("_", " ")] = len(status.get(kind, []))
    found["image"] = len(status["images"])
    return +found


def killed(lane, path, number):
    """False when the build has fewer requests."""
    lane.set("hold=%d" % number)
    with open(os.path.join(lane.work, "packer.out"), "w") as out:
        build = subprocess.Popen(["packer", "build", "-color=false", path], cwd=lane.work, env=dict(lane.env, AWS_POLL_DELAY_SECONDS="1"),
                                 stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)
    held = wait_for(120, lambda: build.poll() is not None or lane.status()["held"])
    running = build.poll() is None and held
    if build.poll() is None:
        os.killpg(build.pid, 9)
    build.wait()
    lane.set("hold=")
    return bool(running)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bakery")
    parser.add_argument("source")
    parser.add_argument("--stride", type=int, default=1)
    options = parser.parse_args()
    if not shutil.which("packer"):
        print("packer: not installed; nothing to compare with")
        return 0
    number, points, leaving, kinds = 1, 0, 0, Counter()
    while True:
        lane = Lane(options.bakery, options.source)
        try:
            if not killed(lane, template(lane), number):
                break
            found = left(lane)
        finally:
            lane.end()
        points += 1
        leaving += bool(found)
        kinds.update({kind: 1 for kind in found})
        print("killed at request %d: %s" % (number, ", ".join("%d %s" % (n, kind) for kind, n in found.items()) or "nothing is left"), flush=True)
        number += options.stride
    print("packer: killed at %d points, left something behind at %d (%s); nothing finds it again, and no build can go on"
          % (points, leaving, ", ".join("%s at %d" % (kind, n) for kind, n in kinds.most_common())))
    return 0


sys.exit(main())
