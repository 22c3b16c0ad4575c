"""Rules as code, and their way into Azure: apply, roll back, enforce, verify."""
