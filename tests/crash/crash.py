#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The crash campaign: builds are killed at every point where that could matter, or meet a fault there, and then resumed or swept.

    crash.py BAKERY SOURCE PRELOAD [--kinds request,lag,commit,write,fault,hang] [--hows before,...] [--ends resume,gc] [--first N] [--stride K] [--offset K] [--seconds S] [--lanes N]

Points:  request   the Nth request to AWS never gets an answer; bakery is killed there: before AWS acted, or after
         lag       as request, while nothing that was made is found for a second and a half
         commit    the Nth transaction of the database kills bakery: before the write that ends it, half-way through it, after it
         write     the same for each single write and sync, of which a transaction has several
         fault     the Nth request meets a fault: throttled, 500, 503, reset, cut, lost reply, denied, expired, no capacity
         hang      the Nth request is never answered, and bakery waits until it believes so, for a minute
After each, `resume` (or `gc`, then a build anew) and the invariants of invariants.py. Every --stride-th point is tried, from --offset on (of
writes, which are many and alike, and hangs, which are slow, every eighth of those), so that a short form sees some of each. --hows and --first try a
point again that was seen to fail. The last line is "crash points: N tried, M violations".
"""
import argparse
import itertools
import os
import queue
import sys
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import invariants
from lane import Lane, wait_for

FAULTS = ("RequestLimitExceeded", "500", "503", "reset", "cut", "reset:after", "cut:after", "500:after", "UnauthorizedOperation", "ExpiredToken",
          "InsufficientInstanceCapacity")
HOWS = {"request": ("before", "after"), "lag": ("before", "after"), "commit": ("before", "torn", "after"), "write": ("before", "torn", "after"),
        "fault": FAULTS, "hang": ("hang", "hang:after")}
KILLED = -9
LAG_S = 1.5


class Campaign:
    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.tried, self.violations = 0, []
        self.until = time.monotonic() + options.seconds if options.seconds else None

    def is_over(self):
        return self.until and time.monotonic() > self.until

    def tell(self, point, found, context=""):
        with self.lock:
            self.tried += 1
            for sentence in found:
                self.violations.append("%s: %s" % (point, sentence))
                print("VIOLATION %s: %s" % (point, sentence), flush=True)
            if found and context:
                print("  " + context.strip().replace("\n", "\n  "), flush=True)
            elif self.options.verbose and not found:
                print("ok %s" % (point,), flush=True)


def kept_images(lane, builds):
    return {i["ImageId"] for build in builds for images in invariants.images_of(lane, build).values() for i in images}


def passed_gate(lane, build):
    return any(s["stage"] == "gate" and s["status"] == "done" and not s.get("forgotten") for s in lane.ask("show", build)["stages"])


class Walker:
    """Tries points on one lane, one after the other. done: the builds whose images are meant to stay."""

    def __init__(self, campaign, lane, preload):
        self.campaign, self.lane, self.preload, self.done = campaign, lane, preload, []
        self.lags = False
        self.status = None  # exit code of the build that was to be broken

    def known(self):
        return {b["build"] for b in self.lane.ask("history", "--limit", "1000")}

    # --- breaking a build ---

    def break_at_request(self, number, when):
        """False when the build has fewer requests."""
        lane = self.lane
        lane.set("hold=%d%s" % (number, ":after" if when == "after" else ""))
        build = lane.start("build", lane.recipe, "--sandbox", "-q")
        held = wait_for(120, lambda: build.poll() is not None or lane.status()["held"])
        if build.poll() is None and held:
            build.kill()
        build.wait()
        self.status = build.returncode
        if self.status == 0 and lane.status()["requests"] >= number:
            raise RuntimeError("request %d was not held" % number)
        lane.set("hold=")
        return build.returncode == KILLED

    def break_at_write(self, number, when, variable="STOP_AT_WRITE"):
        lane = self.lane
        build = lane.start("build", lane.recipe, "--sandbox", "-q", env={"LD_PRELOAD": self.preload, variable: "%d:%s" % (number, when)})
        build.wait(timeout=120)
        self.status = build.returncode
        return build.returncode == KILLED

    def break_at_commit(self, number, when):
        return self.break_at_write(number, when, "STOP_AT_COMMIT")

    def break_by_fault(self, number, what):
        """A fault does not kill: the build may get through. False when it has fewer requests (the setting was not used up)."""
        lane = self.lane
        lane.set("at=%d:%s" % (number, what))
        build = lane.start("build", lane.recipe, "--sandbox", "-q")
        build.wait(timeout=180)
        reached = lane.status()["requests"] >= number
        lane.set("at=")
        self.status = build.returncode
        return reached

    # --- putting it right ---

    def resume(self, build):
        lane = self.lane
        if lane.ask("show", build)["status"] == "done":
            return [], ""
        ended = lane.call("resume", build, "--sandbox", "-q")
        if ended.returncode == 0:
            return [], ""
        return ["resume exits with %d" % ended.returncode], ended.stderr

    def wait_for_lag(self):
        if self.lags:
            time.sleep(LAG_S)  # who looked now would not see what was made last, either

    def check_resumed(self, build):
        found, context = self.resume(build)
        self.wait_for_lag()
        self.done.append(build)
        found += invariants.finished(self.lane, build) + invariants.told(self.lane, build)
        return found, context

    def check_swept(self, build):
        lane, found = self.lane, []
        ended = lane.call("gc", "--yes", "--sandbox")
        self.wait_for_lag()
        if ended.returncode != 0:
            found.append("gc exits with %d" % ended.returncode)
        if passed_gate(lane, build):
            if not images_any(lane, build):
                found.append("the image had passed its gates, and is gone")
            self.done.append(build)
        elif lane.ask("show", build)["status"] == "done":
            self.done.append(build)
        return found + invariants.told(lane, build), ended.stderr

    def check(self, end, before):
        lane = self.lane
        new = self.known() - before
        if not new:  # killed before the history knew of it: nothing may be there
            self.wait_for_lag()
            found, context = [], ""
        elif end == "resume":
            found, context = self.check_resumed(new.pop())
        else:
            found, context = self.check_swept(new.pop())
        found += invariants.nothing_left(lane, kept_images(lane, self.done)) + invariants.pointers_good(lane)
        if end == "resume":
            found += invariants.ledger_empty(lane)
        return found, context

    def try_point(self, point):
        """False: there is no such point any more."""
        kind, number, how, end = point
        before = self.known()
        breaker = {"commit": self.break_at_commit, "write": self.break_at_write, "fault": self.break_by_fault, "hang": self.break_by_fault}.get(kind, self.break_at_request)
        if not breaker(number, how):
            self.done += list(self.known() - before)
            if self.status != 0:  # else the series would end early, and look whole
                self.campaign.tell(point, ["nobody broke the build, but it exits with %d" % self.status], self.lane.said())
            return False
        found, context = self.check(end, before)
        self.campaign.tell(point, found, context)
        return True


def images_any(lane, build):
    return any(images for images in invariants.images_of(lane, build).values())


def series(options):
    """(kind, how, end): each is walked with N = 1, 2, ... until a build runs through. The kinds take turns, so that one that is cut short has seen some of each."""
    def of_kind(kind):
        ends = ["resume"] if kind in ("fault", "hang") else options.ends.split(",")
        hows = [how for how in HOWS[kind] if not options.hows or how in options.hows.split(",")]
        return [(kind, how, end) for how, end in itertools.product(hows, ends)]
    turns = itertools.zip_longest(*(of_kind(kind) for kind in options.kinds.split(",")))
    return [one for turn in turns for one in turn if one]


def stride_of(kind, options):
    return options.stride * {"write": 8, "hang": 8}.get(kind, 1)


class Worker:
    """Walks series after series. With --stride they share a lane and what is known of a build's length; without, each begins on one where nothing is known, as a first build does.
    After trouble of the driver's own the lane is in an unknown state: the next series gets another."""

    def __init__(self, campaign, options, todo):
        self.campaign, self.options, self.todo, self.lane = campaign, options, todo, None
        self.lengths = {}  # kind -> the first N that a build did not come to

    def walk(self, kind, how, end):
        shares = self.options.stride > 1
        if not shares:
            self.end()
        if not self.lane:
            self.lane = Lane(self.options.bakery, self.options.source)
            self.lane.parameter = "/bakery/crash/candidate"
            self.walker = Walker(self.campaign, self.lane, self.options.preload)
        self.walker.lags = kind == "lag"
        self.lane.set("lag=%dms" % (LAG_S * 1000) if self.walker.lags else "lag=")
        stride = stride_of(kind, self.options)
        number = self.options.first + self.options.offset % stride
        while not self.campaign.is_over() and not (shares and number >= self.lengths.get(kind, number + 1)):
            if not self.walker.try_point((kind, number, how, end)):
                self.lengths[kind] = number
                break
            number += stride

    def run(self):
        while not self.campaign.is_over():
            try:
                series = self.todo.get_nowait()
            except queue.Empty:
                break
            try:
                self.walk(*series)
            except Exception:  # counts as a violation: what was not looked at was not proven
                self.campaign.tell(series, ["the driver failed: %s" % traceback.format_exc(limit=4)], self.lane.said() if self.lane else "")
                self.end()
        self.end()

    def end(self):
        if self.lane:
            self.lane.end()
        self.lane = None


def main():
    parser = argparse.ArgumentParser()
    for name in ("bakery", "source", "preload"):
        parser.add_argument(name)
    parser.add_argument("--kinds", default="request,lag,commit,write,fault,hang")
    parser.add_argument("--ends", default="resume,gc")
    parser.add_argument("--hows", default="", help="only these, such as before,reset:after")
    parser.add_argument("--first", type=int, default=1, help="the first N")
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--offset", type=int, default=0)
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    campaign, todo = Campaign(options), queue.Queue()
    for one in series(options):
        todo.put(one)
    threads = [threading.Thread(target=Worker(campaign, options, todo).run) for _ in range(options.lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("crash points: %d tried, %d violations" % (campaign.tried, len(campaign.violations)))
    return 1 if campaign.violations or not campaign.tried else 0


sys.exit(main())
