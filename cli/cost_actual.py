"""`infra cost actual`: what was billed beside what was estimated. Asks AWS, Confluent and Snowflake, or reads files."""

from __future__ import annotations

import contextlib
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli._cost_out import CsvOption, one_format
from cli._cost_prices import CurrencyOption, PricesOption, book_for
from cli._options import EnvOption, JsonOption
from cli._output import note, print_json, stdout
from modules.cost.actual.bills import Biller, Reading, Unread
from modules.cost.actual.match import Actual, billers_of, compare_with_bills
from modules.cost.actual.period import Period, month_of, period_of
from modules.errors import ConfigError, InfraError

if TYPE_CHECKING:
    from modules.cost.actual import snowflake
    from modules.cost.book import PriceBook
    from modules.cost.report import Report
    from modules.environment.model import Environment
    from modules.project import Project

__all__ = ["actual"]

EPILOG = (
    "Examples:  infra cost actual --env prod  ·  infra cost actual -e prod --month 2026-11  ·  "
    "infra cost actual -e prod --aws-file october.json --confluent-file october-costs.json --csv"
)


def actual(
    ctx: typer.Context,
    env: EnvOption = "",
    month: Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="Default: the last full month.")] = "",
    start: Annotated[str, typer.Option("--from", metavar="DAY", help="The first day, as 2026-10-01.")] = "",
    end: Annotated[
        str, typer.Option("--to", metavar="DAY", help="The first day that is left out; default: today.")
    ] = "",
    aws_file: Annotated[
        Path | None,
        typer.Option(
            "--aws-file", metavar="FILE", help="In place of asking AWS: Cost Explorer's JSON, or a CUR as CSV."
        ),
    ] = None,
    confluent_file: Annotated[
        Path | None,
        typer.Option("--confluent-file", metavar="FILE", help="In place of asking Confluent: its costs as JSON."),
    ] = None,
    json: JsonOption = False,
    csv: CsvOption = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request.")] = False,
    prices: PricesOption = None,
    currency: CurrencyOption = "",
) -> None:
    """What was billed in a month beside what was estimated, line by line with the error.

    Asks AWS Cost Explorer (by the tags of the stacks; $0.01 a request), Confluent's Costs API and Snowflake's metering
    views, whichever the environment uses. What cannot be read is said with the right it takes; the rest is shown.
    """
    from modules.cost.report import report
    from modules.environment.loader import load_environment
    from modules.project import find_project

    form = one_format(json=json, csv=csv, markdown=markdown)
    project = find_project()
    environment = load_environment(project, env or ctx.obj)
    if environment.platform == "local":
        raise ConfigError(
            f"`{environment.name}` runs on this machine: nobody bills it",
            where=f"{environment.source}: platform",
            do="name an environment that is in a cloud",
        )
    period = _period(month, start, end)
    book = book_for(project, ctx)
    asking = _Asking(project, environment, book, period, aws_file, confluent_file)
    found = asking.all(report(environment, book))
    if form:
        _print(found, form)
    else:
        from cli._cost_actual_view import show_actual

        show_actual(found, stdout())
    if not any(each.answered for each in found.readings):
        raise typer.Exit(1)


def _print(found: Actual, form: str) -> None:
    from modules.cost.formats import actual as formats

    if form == "json":
        print_json(formats.actual_json(found))
    elif form == "csv":
        typer.echo(formats.actual_csv(found), nl=False)
    else:
        typer.echo(formats.actual_markdown(found))


def _period(month: str, start: str, end: str) -> Period:
    today = datetime.now(UTC).date()
    if month and (start or end):
        raise ConfigError("a month, or days?", where="--month", do="give --month, or --from and --to")
    return month_of(month, today) if month else period_of(start, end, today)


class _Asking:
    """Asks whoever bills this environment, one after the other."""

    def __init__(
        self,
        project: Project,
        environment: Environment,
        book: PriceBook,
        period: Period,
        aws_file: Path | None,
        confluent_file: Path | None,
    ) -> None:
        self._project = project
        self._environment = environment
        self._book = book
        self._period = period
        self._aws_file = aws_file
        self._confluent_file = confluent_file

    def all(self, estimate: Report) -> Actual:
        """The estimate's lines decide who is asked; a file that was given is read in any case."""
        billers = set(billers_of(estimate.estimate.lines))
        billers |= {"aws"} if self._aws_file else set()
        billers |= {"confluent"} if self._confluent_file else set()
        order: tuple[Biller, ...] = ("confluent", "aws", "snowflake")
        readings = [self._read(each) for each in order if each in billers]
        return compare_with_bills(estimate, self._period, readings, self._book)

    def _read(self, biller: Biller) -> Reading:
        return {"aws": self._aws, "confluent": self._confluent, "snowflake": self._snowflake}[biller]()

    def _aws(self) -> Reading:
        from modules.cost.actual import aws
        from modules.platforms.names import default_tags

        tags = {
            key: value for key, value in default_tags(self._environment).items() if key in ("project", "environment")
        }
        if self._aws_file:
            return aws.read_file(self._aws_file, self._period, tags)
        note("asking AWS Cost Explorer …")
        return aws.read_cost_explorer(self._period, tags)

    def _confluent(self) -> Reading:
        from cli._states import client_platform
        from modules.cost.actual import confluent
        from modules.environment.names import resource_name
        from modules.environment.secrets import resolve_secret
        from modules.project import recorded_outputs

        its = self._environment.confluent
        with contextlib.suppress(InfraError):  # what is recorded here does
            client_platform(self._environment, self._project)
        outputs = recorded_outputs(self._project, self._environment.name, "cluster") or {}
        name = its.adopted.cluster_name if its.adopted else resource_name(self._environment)
        scope = confluent.Scope(outputs.get("environment_id"), name)
        if self._confluent_file:
            return confluent.read_file(self._confluent_file, self._period, scope)
        note("asking Confluent's Costs API …")

        def login() -> tuple[str, str]:
            return resolve_secret(its.cloud_api_key, self._project), resolve_secret(its.cloud_api_secret, self._project)

        try:
            return confluent.read_costs_api(self._period, scope, login)
        except InfraError as error:  # the key cannot be read: the others are asked all the same
            return _not_read("confluent", confluent.CONFLUENT, error)

    def _snowflake(self) -> Reading:
        from modules.cost.actual import snowflake
        from modules.platforms import platform_for
        from modules.warehouse.build import estate_of
        from modules.warehouse.connection import connect

        try:
            client = platform_for(self._environment, self._project).snowflake_client("admin")
            note("asking Snowflake …")
            connection = connect(client, self._project)
        except InfraError as error:
            return _not_read("snowflake", snowflake.SNOWFLAKE, error)
        estate = estate_of(self._environment, self._project.environments)
        own = snowflake.Own(
            frozenset(each.name.upper() for each in estate.warehouses),
            frozenset(each.name.upper() for each in estate.databases),
        )
        try:
            reading = snowflake.read_views(self._period, connection, own, self._prices(), str(client.role))
        finally:
            connection.close()
        return self._with_neighbours(reading)

    def _prices(self) -> snowflake.Prices:
        """What a credit and a TB cost in this region, by the book: Snowflake's views know credits and bytes only."""
        from decimal import Decimal

        from modules.cost.actual import snowflake
        from modules.cost.catalog import region_of
        from modules.cost.units import Quantity, Unit

        edition, region = self._environment.workload.snowflake_edition, region_of(self._environment)
        credit = self._book.price(f"snowflake.credit.{edition}", region)
        storage = self._book.price("snowflake.storage", region)
        one = Decimal(1)
        return snowflake.Prices(
            credit.cost(Quantity(one, Unit.CREDIT)),
            storage.cost(Quantity(one, Unit.TB_MONTH)),
            f"a credit at {credit}, storage at {storage}: {credit.source.what}, read {credit.source.read}",
            self._book.currency,
        )

    def _with_neighbours(self, reading: Reading) -> Reading:
        """A remark where another environment of the project is in the same account."""
        from modules.environment.loader import list_environments, load_environment

        def account(of: Environment) -> tuple[str, str] | None:
            its = of.warehouse.account
            return (its.organization.upper(), its.account.upper()) if its else None

        others = []
        for name in list_environments(self._project):
            if name != self._environment.name:
                with suppress(InfraError):
                    if account(load_environment(self._project, name)) == account(self._environment):
                        others.append(name)
        if not others:
            return reading
        words = f"{', '.join(others)} is in the same account: what goes by the same name there is in these figures too"
        return replace(reading, notes=(*reading.notes, words))


def _not_read(biller: Biller, source: str, error: InfraError) -> Reading:
    where = f" ({error.where})" if error.where else ""
    do = (error.do or "see above").removesuffix("; `--offline` needs none")
    return Reading(biller, source, unread=(Unread(source, f"{error.what}{where}", do),))
