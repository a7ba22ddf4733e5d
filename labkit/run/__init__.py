"""The run: notebooks executed strictly by papermill, ordered by Snakemake, rendered to pages that people open.

`receipt` ends every notebook. `workflow.run` is `labkit run`; `labkit.run.execute` and `labkit.run.node` run
one notebook or step.
"""

from labkit.run import workflow
from labkit.run.receipts import receipt

__all__ = ["receipt", "workflow"]
