"""The module that SWIG generates, by itself."""

import os
import unittest

from homelab import _native


class Native(unittest.TestCase):
    def test_version(self):
        self.assertEqual(_native.version(), os.environ["HOMELAB_VERSION"])
        self.assertEqual(_native.version(), _native.VERSION)
        self.assertEqual(_native.version_number(), _native.VERSION_NUMBER)


if __name__ == "__main__":
    unittest.main()
