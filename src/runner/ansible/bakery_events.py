# SPDX-License-Identifier: Apache-2.0
#
# What ansible-playbook does, told to bakery: a line of JSON for each task that begins and each result, behind a mark that only this run
# knows, so that nothing that a task prints can be taken for one. Results arrive here as Ansible would show them: what no_log hides is hidden.
from __future__ import annotations

DOCUMENTATION = '''
    name: bakery_events
    type: stdout
    short_description: tells bakery what is done
    description: A line of JSON for each task that begins and for each of its results.
'''

import json
import os
import sys
import time

from ansible.playbook.block import Block
from ansible.plugins.callback import CallbackBase

MOST_TEXT = 4 << 20
# Their answers are about what is, not about what was done.
LOOKING = {'assert', 'debug', 'fail', 'gather_facts', 'meta', 'pause', 'ping', 'set_fact', 'set_stats', 'setup', 'stat', 'wait_for',
           'wait_for_connection'}


def now_ms():
    return int(time.monotonic() * 1000)


def as_text(value):
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    text = text.replace('\0', '?').strip('\n')
    if len(text) > MOST_TEXT:
        half = MOST_TEXT // 2
        text = '%s\n[... %d characters left out ...]\n%s' % (text[:half], len(text) - 2 * half, text[-half:])
    return text


def parent_sections(task):
    """Blocks around the task, with what stands in them on the way down to it."""
    child, parent = task, task._parent
    while parent is not None:
        yield child, parent
        child, parent = parent, parent._parent


def is_rescued(task):
    """Whether a block around it goes on with its rescue section when the task fails."""
    for child, parent in parent_sections(task):
        if isinstance(parent, Block) and parent.rescue and any(entry._uuid == child._uuid for entry in parent.block):
            return True
    return False


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'stdout'
    CALLBACK_NAME = 'bakery_events'

    def __init__(self):
        super().__init__()
        self.mark = os.environ.get('BAKERY_EVENTS_MARK', '')
        self.began = {}
        self.items = {}

    def tell(self, event, **more):
        sys.stdout.write('%s%s\n' % (self.mark, json.dumps({'event': event, **more}, default=str)))
        sys.stdout.flush()

    # --- what is done

    def v2_playbook_on_play_start(self, play):
        self.tell('play', name=play.get_name().strip(), hosts=as_text(play.hosts))

    def v2_playbook_on_no_hosts_matched(self):
        self.tell('no_hosts')

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.task_began(task)

    def v2_playbook_on_handler_task_start(self, task):
        self.task_began(task)

    def v2_playbook_on_cleanup_task_start(self, task):
        self.task_began(task)

    def v2_playbook_on_include(self, included_file):
        self.tell('output', text='included: %s\n' % included_file._filename)

    def v2_runner_retry(self, result):
        self.tell('output', text='attempt %s failed, %s are left\n' % (result._result.get('attempts', '?'),
                                                                      result._result.get('retries', 1) - result._result.get('attempts', 0)))

    def task_began(self, task):
        self.began[task._uuid] = now_ms()
        self.tell('task', name=task.get_name().strip(), place=task.get_path() or '')

    # --- results

    def v2_runner_on_ok(self, result):
        changed = result._result.get('changed', False)
        looking = result._task.action.split('.')[-1] in LOOKING
        self.task_ended(result, 'changed' if changed else 'ok' if looking else 'unchanged')

    def v2_runner_on_skipped(self, result):
        reason = result._result.get('skip_reason') or result._result.get('skipped_reason') or ''
        self.task_ended(result, 'skipped', self.reason(result, reason))

    def v2_runner_on_failed(self, result, ignore_errors=False):
        why = result._result.get('msg') or result._result.get('reason') or ''
        if why in ('', 'non-zero return code') and result._result.get('rc') is not None:
            why = 'exited with %s' % result._result['rc']
        if ignore_errors:
            self.task_ended(result, 'ok', 'failed, which is ignored: %s' % as_text(why))
        elif is_rescued(result._task):
            self.task_ended(result, 'ok', 'failed, and is rescued: %s' % as_text(why))
        else:
            self.task_ended(result, 'failed', why)

    def v2_runner_on_unreachable(self, result):
        self.task_ended(result, 'failed', 'unreachable: %s' % as_text(result._result.get('msg', '')), unreachable=True)

    def v2_runner_item_on_ok(self, result):
        self.item_ended(result, 'changed' if result._result.get('changed') else 'ok')

    def v2_runner_item_on_failed(self, result):
        self.item_ended(result, 'failed')

    def v2_runner_item_on_skipped(self, result):
        self.item_ended(result, 'skipped')

    def v2_playbook_on_stats(self, stats):
        hosts = {host: stats.summarize(host) for host in sorted(stats.processed)}
        self.tell('stats', hosts=hosts)

    @staticmethod
    def reason(result, reason):
        condition = result._result.get('false_condition')
        return '%s: %s' % (reason, condition) if condition and reason else reason

    def item_ended(self, result, how):
        lines = self.items.setdefault((result._host.get_name(), result._task._uuid), [])
        lines.append('%s: %s' % (as_text(self._get_item_label(result._result)), how))
        text = self.output_of(result)
        if text:
            lines.append(text)

    def output_of(self, result):
        """What people want to read of a result: its words and streams, a debug's value, a diff."""
        values = result._result
        parts = []
        if values.get('censored'):
            return as_text(values['censored'])
        if result._task.action.split('.')[-1] == 'debug' and 'msg' not in values:
            parts += ['%s: %s' % (key, as_text(value)) for key, value in values.items()
                      if not key.startswith('_') and key not in ('changed', 'failed', 'item', 'ansible_loop_var')]
        for key in ('msg', 'stdout', 'stderr', 'module_stdout', 'module_stderr', 'exception'):
            if values.get(key) and as_text(values[key]) not in parts:
                parts.append(as_text(values[key]))
        for warning in values.get('warnings') or []:
            parts.append('warning: %s' % as_text(warning))
        if values.get('diff'):
            parts.append(as_text(self._get_diff(values['diff'])))
        return '\n'.join(part for part in parts if part)

    def task_ended(self, result, how, why='', unreachable=False):
        task, values = result._task, result._result
        lines = self.items.pop((result._host.get_name(), task._uuid), [])
        lines.append(self.output_of(result))
        rc = values.get('rc')
        ended = now_ms()
        self.tell('result', name=task.get_name().strip(), place=task.get_path() or '', host=result._host.get_name(), result=how,
                  why=as_text(why or ''), unreachable=unreachable, rc=rc if isinstance(rc, int) else 0,
                  attempts=values.get('attempts', 1), started_ms=self.began.get(task._uuid, ended), ended_ms=ended,
                  output='\n'.join(line for line in lines if line))
