#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's awscli, kept running: its start takes longer than most calls.

Reads lines "STDOUT-FILE STDERR-FILE JSON-LIST-OF-ARGUMENTS", carries each out with awscli's own driver, and answers
each with a line that holds the exit status.
"""
import json
import os
import sys

from awscli.clidriver import create_clidriver


def new_driver(loader):
    """A driver as a fresh aws has it (one remembers its --region), but for the service models, which are read once."""
    driver = create_clidriver()
    driver.session.register_component("data_loader", loader)
    return driver


def call(driver, out, err, arguments):
    """The exit status, with the driver's stdout and stderr in the two files."""
    saved = os.dup(1), os.dup(2)
    for path, descriptor in ((out, 1), (err, 2)):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(fd, descriptor)
        os.close(fd)
    try:
        status = driver.main(arguments)
    except SystemExit as end:
        status = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for fd, descriptor in zip(saved, (1, 2)):
            os.dup2(fd, descriptor)
            os.close(fd)
    return int(status or 0)


def main():
    loader = create_clidriver().session.get_component("data_loader")
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        out, err, arguments = line.split(" ", 2)
        answers.write("%d\n" % call(new_driver(loader), out, err, json.loads(arguments)))
        answers.flush()


main()
