"""Run the demonstration."""

import sys

from examples.demo.demonstration import main

sys.exit(main())
