#!/usr/bin/env python3
"""Runs the integration tests: run.py [--only PATTERN] [--long] [--list]

One line a test, then 'N passed, N failed, N skipped'. PATTERN is a part of MODULE.CLASS.TEST or a
shell pattern. Environment: HOMELAB_BIN, the homelab command (default build/debug/bin/homelab);
HOMELAB_REQUIRE_COMPONENTS=1 makes what is missing a failure."""

import argparse
import fnmatch
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True


class Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.started = 0.0
        self.passed = 0
        self.failed = 0

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()

    def say(self, word, test, detail=""):
        print(f"{word:4} {test.id()} ({time.monotonic() - self.started:.1f} s){detail}", flush=True)

    def addSuccess(self, test):
        self.passed += 1
        self.say("ok", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say("skip", test, ": " + reason)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.failed += 1
        self.say("FAIL", test)
        print(self.failures[-1][1], flush=True)

    def addError(self, test, err):
        super().addError(test, err)
        self.failed += 1
        self.say("FAIL", test)
        print(self.errors[-1][1], flush=True)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            super().addSubTest(test, subtest, err)
            self.failed += 1
            self.say("FAIL", subtest)
            print((self.failures + self.errors)[-1][1], flush=True)


def tests_of(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_of(item)
        else:
            yield item


def is_slow(test):
    return getattr(getattr(test, test._testMethodName, None), "slow", False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--long", action="store_true", help="also the slow forms")
    parser.add_argument("--list", action="store_true", help="print the names and end")
    options = parser.parse_args()
    found = unittest.defaultTestLoader.discover(HERE, "test_*.py", HERE)
    pattern = options.only if any(c in options.only for c in "*?[") else f"*{options.only}*"
    chosen = [test for test in tests_of(found) if fnmatch.fnmatch(test.id(), pattern)
              and (options.long or not is_slow(test))]
    if options.list:
        print("\n".join(test.id() for test in chosen))
        return 0
    result = Result()
    unittest.TestSuite(chosen).run(result)
    print(f"{result.passed} passed, {result.failed} failed, {len(result.skipped)} skipped")
    return 1 if result.failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
