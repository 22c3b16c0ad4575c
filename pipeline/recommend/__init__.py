"""From what learning mode saw to access rules: least privilege, with evidence and a backtest."""
