"""python -m minigpt: the same as the command minigpt."""

import sys

from minigpt.cli import main

sys.exit(main())
