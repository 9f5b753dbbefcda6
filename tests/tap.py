# SPDX-License-Identifier: LGPL-3.0-or-later
"""Run unittest cases with TAP output, so that meson counts and names each case: `tap.main()` for `unittest.main()`."""
import sys
import unittest


class TapResult(unittest.TestResult):
    def startTestRun(self):
        super().startTestRun()
        self.number = 0

    def line(self, good, test, note=''):
        self.number += 1
        print(f"{'' if good else 'not '}ok {self.number} - {test.id().removeprefix('__main__.')}{note}", flush=True)

    def diagnose(self, test, error):
        for line in self._exc_info_to_string(error, test).splitlines():
            print(f'# {line}', flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line(True, test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line(True, test, f' # SKIP {reason}')

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.diagnose(test, error)
        self.line(False, test)

    def addError(self, test, error):
        super().addError(test, error)
        self.diagnose(test, error)
        self.line(False, test)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.diagnose(subtest, error)
            self.line(False, subtest)

    def addExpectedFailure(self, test, error):
        raise NotImplementedError('a test that is expected to fail proves nothing')


def main(module='__main__'):
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[module])
    result = TapResult()
    result.startTestRun()
    try:
        suite.run(result)
    finally:
        result.stopTestRun()
        print(f'1..{result.number}')
    sys.exit(0 if result.wasSuccessful() else 1)
