"""What is dropped of old logs, and how: never what an answer within the window needs."""
