"""The command ``forecaster``: every verb, in the order in which the help lists them."""

from forecaster.cli import interrupts
from forecaster.cli.app import app
from forecaster.cli.commands import (
    fitting,
    floors,
    keeping,
    links,
    over_time,
    questions,
    reports,
    resources,
    surfaces,
)
from forecaster.cli.commands.gathering import importing, measuring
from forecaster.cli.commands.weighing import decisions, testing, variants

VERBS = (
    *(
        importing.import_,
        fitting.validate,
        fitting.fit,
        questions.forecast,
        questions.requirement,
        questions.compare,
        questions.check,
    ),
    *(
        resources.growth,
        floors.floor,
        links.downstream,
        surfaces.surface,
        variants.effect,
        variants.screen,
        decisions.decide,
        decisions.next_,
        measuring.measure,
        testing.triage,
        testing.testset,
        fitting.backtest,
        over_time.watch,
        over_time.update,
        over_time.register,
        over_time.score,
        over_time.verify,
        reports.memo,
        reports.demo,
    ),
    *(fitting.domains, fitting.inspect, keeping.cache),
)
for verb in VERBS:
    app.command()(verb)


def main() -> None:
    """Run the command that the process was started with."""
    interrupts.watch()
    app(prog_name="forecaster")
