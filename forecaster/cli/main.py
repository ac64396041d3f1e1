"""The command ``forecaster``: every verb, in the order in which the help lists them."""

from forecaster.cli.app import app
from forecaster.cli.commands import fitting, questions, reports

VERBS = (
    *(fitting.validate, fitting.fit, questions.forecast, questions.requirement, questions.compare, questions.check),
    *(fitting.backtest, reports.memo, reports.demo, fitting.domains, fitting.inspect),
)
for verb in VERBS:
    app.command()(verb)
