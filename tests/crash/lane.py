# SPDX-License-Identifier: Apache-2.0
"""A lane of the crash campaign: a sandbox, a project and a database of its own, and what can be done with them."""
import json
import os
import shutil
import subprocess
import tempfile
import time

FAST = ["latency.launch=150ms", "latency.stop=50ms", "latency.terminate=50ms", "latency.image=150ms", "latency.copy=150ms"]


class Lane:
    def __init__(self, bakery, source, recipe="crash", settings=()):
        self.bakery, self.source, self.recipe = bakery, source, recipe
        self.work = tempfile.mkdtemp(prefix="bakery-crash.", dir="/var/tmp")
        self.project = os.path.join(self.work, "project")
        shutil.copytree(os.path.join(source, "tests/crash/project"), self.project)
        self.store = os.path.join(self.work, "bakery.db")
        self.env = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        # A build with sanitizers would refuse to run with another library before its own.
        self.env["ASAN_OPTIONS"] = ":".join(filter(None, [self.env.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]))
        self.env.update(BAKERY_STORE=self.store, BAKERY_SANDBOX=os.path.join(self.work, "sandbox"), NO_COLOR="1", HOME=self.work,
                        XDG_RUNTIME_DIR=os.path.join(self.work, "runtime"),
                        XDG_CACHE_HOME=os.environ.get("XDG_CACHE_HOME") or os.environ.get("BAKERY_TEST_CACHE", "/root/.cache"))
        arguments = [word for setting in FAST + list(settings) for word in ("--set", setting)]
        self.call("sandbox", "up", *arguments, check=True)
        for line in self.call("sandbox", "env", check=True).stdout.splitlines():
            if line.startswith("export "):
                name, _, value = line[len("export "):].partition("=")
                self.env[name] = value.strip("'\"")
        self.clients = {}

    def end(self, keep=False):
        self.call("sandbox", "down")
        if keep:
            return
        self.call("sandbox", "reset", "--yes")
        shutil.rmtree(self.work, ignore_errors=True)

    def call(self, *words, check=False, env=None, timeout=180):
        done = subprocess.run([self.bakery, *words], cwd=self.project, env=dict(self.env, **(env or {})), capture_output=True, text=True,
                              timeout=timeout, stdin=subprocess.DEVNULL)
        if check and done.returncode:
            raise RuntimeError("bakery %s: %s" % (" ".join(words), done.stderr))
        return done

    def start(self, *words, env=None):
        """bakery in the background, its output in the lane's folder."""
        with open(os.path.join(self.work, "out"), "w") as out, open(os.path.join(self.work, "err"), "w") as err:
            return subprocess.Popen([self.bakery, *words], cwd=self.project, env=dict(self.env, **(env or {})), stdout=out, stderr=err,
                                    stdin=subprocess.DEVNULL)

    def said(self):
        with open(os.path.join(self.work, "err")) as err:
            return err.read()[-1500:]

    def set(self, *settings):
        self.call("sandbox", "set", *settings, check=True)

    def status(self):
        return json.loads(self.call("sandbox", "status", "--format", "json", check=True).stdout)

    def ask(self, *words):
        done = self.call(*words, "--format", "json", check=True)
        return json.loads(done.stdout)

    def newest_build(self):
        builds = self.ask("history", "--limit", "1")
        return builds[0] if builds else None

    def client(self, service, region):
        """A client of AWS's own kind, written by others."""
        if (service, region) not in self.clients:
            from awscli.botocore.session import Session
            from awscli.botocore.config import Config
            self.clients[service, region] = Session().create_client(
                service, region_name=region, endpoint_url=self.env["AWS_ENDPOINT_URL"], aws_access_key_id=self.env["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=self.env["AWS_SECRET_ACCESS_KEY"], config=Config(retries={"max_attempts": 1}))
        return self.clients[service, region]


def wait_for(seconds, holds):
    """Polls; the last answer."""
    end = time.monotonic() + seconds
    while True:
        answer = holds()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(0.02)
