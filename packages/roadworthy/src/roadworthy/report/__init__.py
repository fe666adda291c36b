"""Reports of an inspection: terminal, HTML, JSON, JUnit and SARIF. They render verdicts and decide nothing."""
