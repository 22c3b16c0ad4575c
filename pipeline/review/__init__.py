"""Decisions on proposals, the rules that come of them, and the page on which they are made.

In the order of use:
    decisions = open_decisions(folder)                 # decisions.py: the file beside the warehouse, opened when asked
    trail = decisions.trail()                          # decision.py: all of it, as of one moment
    states = state_of(run["proposals"], trail, now)    # state.py: open, accepted ...; new, covered already
    made = entry(proposal, Choice("accept", reason), who, now, bounds)    # entry.py: checks it, or says what to do
    decisions.record([made], now, trail.sequences)     # ConflictError where somebody else was quicker
    known = decided(decisions.trail(), now)            # decided.py: what recommend() and a report take
    rules = accepted_rules(decisions.trail(), now)     # accepted.py: what is tried, exported and applied
"""
