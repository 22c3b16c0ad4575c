"""The perimeter's own configuration: profiles, rules, associated resources."""
