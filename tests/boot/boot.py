#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The shipped hardening on a machine with a kernel, a boot loader and a systemd of its own, and a fresh instance of what came of it.

    boot.py BAKERY SOURCE [--system debian-12] [--scan] [--datastream FILE] [--accel kvm|tcg] [--all] [--keep]

    1  a disk like the publisher's image, of packages without their updates (disk.py)
    2  an instance of it: cloud-init takes our host key and login key
    3  the recipe's playbooks in the recipe's order, `patch` with its restart into the newer kernel, and `seal`; by `bakery playbook run --host`
    4  the power button; another instance of that disk, with another id, another host key and another login key
    5  that one is looked at: who gets in, cloud-init, systemd, audit rules, and every check of every playbook again (--dry-run)
    6  it is sealed, too, as a build on a hardened image is: what audits and logs now is what was hardened

--scan asks Lynis, and OpenSCAP with --datastream (three profiles of ANSSI-BP-028), before and after; nothing of that gets onto the disk. --all prints the
controls that pass, too. The last line is "boot: N controls pass, N would change, N failed, N skipped; M faults".
"""
import argparse
import collections
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import disk
from emulator import Emulator, Identity, accelerator

BOOT_S = {"kvm": 180, "tcg": 900}
PROFILES = ("anssi_bp28_minimal", "anssi_bp28_intermediary", "anssi_bp28_enhanced")
ANSWERS = {"ok": "pass", "unchanged": "pass", "would change": "would change", "would run": "would change", "failed": "failed", "skipped": "skipped"}
RESTART = "playbook: 1\nname: restart\nsteps: [{id: restart, name: The machine was restarted, reboot: {timeout: 20m}}]\n"


class Proof:
    def __init__(self, options):
        self.options, self.faults, self.begun = options, [], time.monotonic()
        self.system = disk.SYSTEMS[options.system]
        self.accel = options.accel or accelerator()
        self.work = tempfile.mkdtemp(prefix="bakery-boot.", dir="/var/tmp")
        self.machine = None
        self.env = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        self.env.update(BAKERY_STORE=self.path("bakery.db"), BAKERY_SANDBOX=self.path("sandbox"), NO_COLOR="1", SSH_AUTH_SOCK="")

    def path(self, *names):
        return os.path.join(self.work, *names)

    def say(self, text):
        print("%5.0f s  %s" % (time.monotonic() - self.begun, text), flush=True)

    def fault(self, text):
        self.faults.append(text)
        self.say("FAULT: " + text)

    def expect(self, what, holds, said=""):
        said = " ".join(said.split())[-300:]
        if holds:
            self.say("%s%s" % (what, ": " + said if said else ""))
        else:
            self.fault("not so: %s%s" % (what, ": " + said if said else ""))

    # --- bakery ---

    def bakery(self, log, *words):
        """What it says goes into the log as it comes, for whoever wants to watch."""
        with open(self.path(log), "w", encoding="utf-8") as file:
            return subprocess.run([self.options.bakery, *words], cwd=self.work, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=file,
                                  text=True, errors="replace", timeout=7200)

    def last_said(self, log):
        with open(self.path(log), encoding="utf-8", errors="replace") as file:
            return file.read()[-2000:]

    def plan(self):
        """What the recipe comes to: [(playbook, variables)] in order, of it and of its test."""
        done = self.bakery("plan.log", "plan", self.options.system, "--sandbox", "-q", "--out", self.path("plan.json"))
        self.bakery("down.log", "sandbox", "down")
        self.bakery("reset.log", "sandbox", "reset", "--yes")
        if done.returncode:
            raise RuntimeError("bakery plan: " + self.last_said("plan.log"))
        with open(self.path("plan.json"), encoding="utf-8") as file:
            plan = json.load(file)
        return [[(book["name"], book["vars"]) for book in plan[part]] for part in ("playbooks", "seal", "verify")]

    def play(self, name, variables, *options):
        """The rows of its steps, and whether it went well."""
        identity = self.machine.identity
        variables = [word for key, value in variables.items() for word in ("--var", "%s=%s" % (key, value))]
        log = "%s-%s%s.log" % (identity.name, os.path.basename(name), options[0] if options else "")
        done = self.bakery(log, "playbook", "run", name, "--host", self.machine.user + "@127.0.0.1", "--port", str(self.machine.port), "--key", identity.path("login"),
                           "--known-hosts", identity.path("known_hosts"), "--downloads", self.work, "--format", "json", *options, *variables)
        try:
            return json.loads(done.stdout), done.returncode == 0
        except ValueError:
            raise RuntimeError("bakery playbook run %s: %s" % (name, self.last_said(log))) from None

    def apply(self, name, variables):
        begun = time.monotonic()
        rows, good = self.play(name, variables)
        count = collections.Counter(row["result"] for row in rows)
        self.say("%s on %s: %s (%.0f s)" % (os.path.basename(name), self.machine.identity.name,
                                            ", ".join("%d %s" % (number, result) for result, number in count.items()), time.monotonic() - begun))
        if not good:
            self.fault("%s: %s" % (name, "; ".join("%s: %s: %s" % (row["step"], row["why"], row["evidence"]) for row in rows if row["result"] == "failed")
                                   or "ended badly"))
        return good

    # --- instances ---

    def start(self, image, name, scratch=False):
        self.machine = Emulator(image, Identity(self.work, name), self.system["user"], self.accel, scratch)
        begun = time.monotonic()
        self.machine.wait_for_ssh(BOOT_S[self.accel])
        self.say("instance %s: %s after %.0f s" % (name, self.machine.ask("uname -r"), time.monotonic() - begun))
        status = self.machine.ssh("cloud-init status --wait --long", timeout=BOOT_S[self.accel])
        self.expect("cloud-init is done without an error", "status: done" in status.stdout and status.returncode == 0, status.stdout)

    def stop(self):
        self.machine.power_off()
        self.machine.kill()
        self.say("instance %s has switched itself off" % self.machine.identity.name)

    def discard(self):
        self.machine.kill()

    def harden(self, names):
        """The recipe's playbooks. patch restarts the machine when there is a newer kernel, and there is one nearly always; else a playbook that does nothing else."""
        for name, variables in names:
            before = self.machine.ask("cat /proc/sys/kernel/random/boot_id")
            if not self.apply(name, variables):
                return
            if name == "patch" and self.machine.ask("cat /proc/sys/kernel/random/boot_id") == before:
                with open(self.path("restart.yaml"), "w", encoding="utf-8") as file:
                    file.write(RESTART)
                self.apply(self.path("restart.yaml"), {})
            after = self.machine.ask("cat /proc/sys/kernel/random/boot_id; uname -r").split()
            if after[:1] != [before]:
                self.say("restarted: boot id %s is now %s, kernel %s" % (before, *after))

    # --- what a fresh instance must be ---

    def look(self, old):
        refused = self.machine.ssh("true", key=old.path("login"))
        self.expect("the key of the machine that was built on is refused", refused.returncode == 255)
        self.expect("the root user is refused", subprocess.run([word.replace(self.machine.user + "@", "root@") for word in
                    self.machine.ssh_words(self.machine.identity.path("login"))] + ["true"], stdin=subprocess.DEVNULL, check=False).returncode == 255)
        state = self.machine.ssh("timeout %d systemctl is-system-running --wait" % BOOT_S[self.accel])
        self.expect("systemd is done with booting and no unit has failed", state.stdout.strip() == "running",
                    state.stdout + self.machine.ask("systemctl list-units --failed --plain --no-legend"))
        for what, command, holds in (
                ("the kernel audits, and its rules are locked", "sudo auditctl -s", lambda said: "enabled 2" in said and "lost 0" in said),
                ("audit rules are loaded", "sudo auditctl -l | grep -c -- -k", lambda said: said.isdigit() and int(said) > 30),
                ("AppArmor enforces", "sudo aa-status --enabled && sudo grep -c enforce /sys/kernel/security/apparmor/profiles",
                 lambda said: said.isdigit() and int(said) > 0),
                ("the journal is kept on the disk", "ls -d /var/log/journal/$(cat /etc/machine-id)", lambda said: said.startswith("/var/log/journal/")),
                ("the host keys are this instance's", "sudo ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d ' ' -f 2",
                 lambda said: said and said in subprocess.run(["ssh-keygen", "-lf", self.machine.identity.path("host.pub")], capture_output=True, text=True,
                                                              check=True).stdout),
                ("the journal knows this machine and this boot alone", "ls /var/log/journal | wc -l; sudo journalctl -q --list-boots | wc -l",
                 lambda said: said.split() == ["1", "1"]),
                ("the audit log begins with this boot", "echo $(($(sudo sed -n '1s/.*audit(\\([0-9]*\\).*/\\1/p' /var/log/audit/audit.log) - $(sed -n 's/^btime //p' "
                 "/proc/stat))) seconds after it", lambda said: said.split()[0].isdigit()),
                ("systemd left out no unit", "sudo journalctl -b -q --no-pager -o cat -t systemd | grep -i 'ordering cycle' || echo none", lambda said: said == "none"),
                ("AIDE's database is being made or is there", "sudo systemctl is-failed bakery-aide-init; sudo ls /var/lib/aide",
                 lambda said: not said.startswith("failed") and "aide.db" in said),
                ("the timers run", "systemctl list-timers --plain --no-legend | awk '{print $(NF-1)}' | sort | tr '\\n' ' '",
                 lambda said: "apt-daily" in said and ("aide" in said)),
                ("the journal has no error of a service", "sudo journalctl -b -p err -q --no-pager -o cat | sort | uniq -c | sort -rn | head -n 12", lambda said: True)):
            said = self.machine.ask(command)
            self.expect(what, holds(said), said)

    def check_again(self, playbooks):
        """Each control's answer, without changing anything."""
        controls = []
        for name, variables in playbooks:
            rows, _ = self.play(name, variables, "--dry-run")
            for row in rows:
                controls += [(name, control, ANSWERS[row["result"]], row) for control in row["controls"]]
                if row["result"] == "failed" and not row["controls"]:
                    self.fault("%s: %s: %s" % (name, row["step"], row["evidence"]))
        return controls

    def table(self, controls):
        print("\n%-14s %-18s %-13s %s" % ("PLAYBOOK", "CONTROL", "ANSWER", "STEP"))
        for name, control, answer, row in controls:
            if self.options.all or answer != "pass":
                print("%-14s %-18s %-13s %s: %s" % (name, control, answer, row["step"], row["why"] or row["evidence"]))
        return collections.Counter(answer for _, _, answer, _ in controls)

    # --- scanners ---

    def scan(self, image, name):
        """On an instance that leaves nothing on the disk."""
        if not self.options.scan:
            return {}
        self.start(image, name, scratch=True)
        figures = {}
        if self.apply("scan-lynis", {"report": "lynis.dat"}):
            with open(self.path("lynis.dat"), encoding="utf-8", errors="replace") as file:
                figures["lynis"] = next((line.partition("=")[2].strip() for line in file if line.startswith("hardening_index=")), "none")
        if self.options.datastream:
            content = "/var/tmp/datastream.xml"
            with open(self.options.datastream, "rb") as file:
                subprocess.run(self.machine.ssh_words(self.machine.identity.path("login")) + ["cat > " + content], stdin=file, check=True)
            for profile in PROFILES:
                if self.apply("scan-openscap", {"profile": "xccdf_org.ssgproject.content_profile_" + profile, "datastream": content, "report": profile + ".xml"}):
                    figures[profile] = self.rules(name, self.path(profile + ".xml"))
        self.discard()
        return figures

    def rules(self, name, report):
        answers, failed = collections.Counter(), []
        for rule in xml.etree.ElementTree.parse(report).iter():
            if rule.tag.endswith("}rule-result"):
                answer = next(child.text for child in rule if child.tag.endswith("}result"))
                answers[answer] += 1
                if answer == "fail":
                    failed.append(rule.get("idref").rpartition("_rule_")[2])
        with open(self.path("failed-rules.txt"), "a", encoding="utf-8") as file:
            file.write("%s %s: %s\n" % (name, os.path.basename(report), " ".join(failed)))
        if self.options.all and name.endswith("after"):
            self.say("%s fails: %s" % (os.path.basename(report), " ".join(failed)))
        passed, applied = answers["pass"] + answers["fixed"], sum(answers[each] for each in ("pass", "fixed", "fail", "error", "unknown"))
        return "%d of %d rules (%.1f%%)" % (passed, applied, 100 * passed / max(applied, 1))

    # --- the walk ---

    def walk(self):
        base = disk.find_image(self.options.system, os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "bakery/boot"),
                               self.options.keyring)
        self.say("the disk: %s; the accelerator: %s" % (base, self.accel))
        playbooks, seal, verify = self.plan()
        before = self.scan(base, "scan-before")
        image = self.path("disk.img")
        subprocess.run(["cp", "--sparse=always", base, image], check=True)
        self.start(image, "first")
        built = self.machine.identity
        self.harden(playbooks)
        for name, variables in seal:
            self.apply(name, variables)
        self.stop()
        if self.faults:
            raise RuntimeError("there is nothing to start another instance of")
        after = self.scan(image, "scan-after")
        self.start(image, "second")
        self.look(built)
        for name, variables in verify:
            self.apply(name, variables)
        count = self.table(self.check_again(playbooks))
        for scanner in before:
            self.say("%s: before %s, after %s" % (scanner, before[scanner], after.get(scanner, "none")))
        for name, variables in seal:
            self.apply(name, variables)
        self.stop()
        for answer in ("would change", "failed"):
            if count[answer]:
                self.faults.append("%d controls: %s" % (count[answer], answer))
        return count

    def end(self, trouble):
        if self.machine:
            self.machine.kill()
            if trouble:
                print("\nthe last lines of the console of %s:\n%s" % (self.machine.identity.name, self.machine.last_lines()))
        if trouble or self.options.keep:
            if os.path.exists(self.path("disk.img")) and not self.options.keep:
                os.unlink(self.path("disk.img"))
            print("logs, also of the consoles: " + self.work)
        else:
            shutil.rmtree(self.work)


def stopped(number, frame):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bakery")
    parser.add_argument("source")
    parser.add_argument("--system", choices=sorted(disk.SYSTEMS), default="debian-12")
    parser.add_argument("--scan", action="store_true")
    parser.add_argument("--datastream", help="SCAP content of this system, for --scan")
    parser.add_argument("--keyring", help="the keys of the system's archive, where this host's own do not do")
    parser.add_argument("--accel", choices=("kvm", "tcg"))
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--keep", action="store_true", help="keep the disk and the logs")
    signal.signal(signal.SIGTERM, stopped)
    proof, count, trouble = Proof(parser.parse_args()), collections.Counter(), True
    try:
        count = proof.walk()
        trouble = bool(proof.faults)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        proof.fault(str(error))
    except KeyboardInterrupt:
        proof.fault("stopped")
    finally:
        proof.end(trouble)
    print("boot: %s; %d faults" % (", ".join("%d %s" % (count[answer], answer) for answer in ("pass", "would change", "failed", "skipped")), len(proof.faults)))
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
