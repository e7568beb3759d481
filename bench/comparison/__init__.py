# SPDX-License-Identifier: MIT
"""The parts of compare.py: which libraries, which scenarios, how to run, what to say."""
