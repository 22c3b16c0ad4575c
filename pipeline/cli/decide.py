"""nsp decide: accept, edit, reject or put off what is proposed, from a script or a file in git; and the trail of it."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.check import PolicyOption
from pipeline.cli.options import PerimeterOption, ProfileOption, SinceOption, UntilOption
from pipeline.cli.output import Format, FormatOption
from pipeline.errors import UsageError
from pipeline.moments import ahead, utc_now

if TYPE_CHECKING:
    from pipeline.cli.context import Context

ATTENTION = 3

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Accept, edit, reject or put off what is proposed, each with a reason, and keep the trail.\n\n"
    "Start with [bold]nsp decide list[/bold]. Nothing is ever deleted: an undo is a decision, too. What is accepted, "
    "[bold]nsp whatif --rules accepted[/bold] tries.",
)


def time_to_come(text: str) -> datetime:
    """Read `2027-01-31` or `2027-01-31T08:00`, UTC, or `30d`, `2w`, `12h` from now."""
    try:
        return ahead(text, utc_now())
    except UsageError as error:
        raise typer.BadParameter(str(error)) from None


def ended(until: datetime | None) -> None:
    """Refuse an --until to come where --expires is meant.

    Raises:
        UsageError: it lies ahead.
    """
    if until and until > utc_now():
        raise UsageError(
            "--until is where the logs end that proposals are made of, and it lies ahead. What is accepted until a "
            "time is accepted with --expires TIME."
        )


IdsArgument = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of proposals, or their first characters.")]
ReasonOption = Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Why; kept with the decision.")]
WhoOption = Annotated[
    str | None, typer.Option("--who", metavar="NAME", help="Who decides. Default: NSP_WHO, else the system's user.")
]
ExpiresOption = Annotated[
    datetime | None,
    typer.Option(
        "--expires", parser=time_to_come, metavar="TIME", help="Until when, UTC: 2027-01-31, or 30d from now."
    ),
]
FromOption = Annotated[
    Path | None,
    typer.Option("--from", metavar="FILE", help="Decide on a saved `nsp recommend -f json`, not on a run made now."),
]


@app.command("list")
def list_(
    context: typer.Context,
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help="Just these: open, accepted, edited, acknowledged, rejected, deferred, expired. Repeatable.",
        ),
    ] = None,
    source: FromOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    perimeter: PerimeterOption = None,
    profile: ProfileOption = None,
    policy: PolicyOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List the proposals and what was decided about each; also what was accepted and is proposed no longer."""
    from pipeline.cli.decision_rows import write_states
    from pipeline.cli.desk import open_desk
    from pipeline.recommend.scope import Scope
    from pipeline.review.state import STATES

    if unknown := sorted(set(state or ()) - set(STATES)):
        raise UsageError(f"{unknown[0]!r} is no state. There are: {', '.join(STATES)}.")
    desk = open_desk(context.obj, Scope(since, until, perimeter, profile), source, policy)
    write_states([each for each in desk.states if not state or each.state in state], form)


@app.command()
def accept(
    context: typer.Context,
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="As of nsp decide list.")] = None,
    all_unflagged: Annotated[
        bool,
        typer.Option(
            "--all-unflagged",
            help="All that the run recommends and nobody decided about, put off or rejected a part of.",
        ),
    ] = False,
    reason: ReasonOption = "",
    expires: ExpiresOption = None,
    who: WhoOption = None,
    source: FromOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    perimeter: PerimeterOption = None,
    profile: ProfileOption = None,
    policy: PolicyOption = None,
) -> None:
    """Accept proposals as they are. A flagged one needs a reason; a note (no rule helps) is acknowledged."""
    from pipeline.cli.desk import open_desk, overlap_words, person, tell
    from pipeline.recommend.scope import Scope
    from pipeline.review.decision import ACCEPT, Choice

    if bool(ids) == all_unflagged:
        raise UsageError("Name proposals by their ids, or say --all-unflagged.")
    ended(until)
    decider = person(who)
    desk = open_desk(context.obj, Scope(since, until, perimeter, profile), source, policy)
    if ids:
        chosen = desk.named(ids)
    else:
        chosen = [each.proposal for each in desk.states if each.is_for_all_unflagged]
        for state in desk.states:
            if state.proposal["recommended"] and state.overlaps and not state.is_for_all_unflagged:
                why = "; ".join(
                    f"{overlap_words(each.relation)} {', '.join(each.proposals)}" for each in state.overlaps
                )
                tell(f"Left open: {state.id} {why}.")
    desk.decide(chosen, Choice(ACCEPT, reason, (), expires), decider)


@app.command()
def reject(
    context: typer.Context,
    ids: IdsArgument,
    reason: ReasonOption = "",
    who: WhoOption = None,
    source: FromOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
) -> None:
    """Reject proposals: no rule, whoever is denied then. Also what was accepted before."""
    from pipeline.cli.desk import open_desk, person
    from pipeline.recommend.scope import Scope
    from pipeline.review.decision import REJECT, Choice

    decider = person(who)
    desk = open_desk(context.obj, Scope(since, until), source, None)
    desk.decide(desk.named(ids), Choice(REJECT, reason), decider)


@app.command()
def defer(
    context: typer.Context,
    ids: IdsArgument,
    reason: ReasonOption = "",
    later: Annotated[
        datetime | None,
        typer.Option("--until", parser=time_to_come, metavar="TIME", help="When it is open again: 2027-01-31, or 30d."),
    ] = None,
    who: WhoOption = None,
    source: FromOption = None,
    since: SinceOption = None,
) -> None:
    """Put proposals off; they stay open questions, but --all-unflagged leaves them alone."""
    from pipeline.cli.desk import open_desk, person
    from pipeline.recommend.scope import Scope
    from pipeline.review.decision import DEFER, Choice

    decider = person(who)
    desk = open_desk(context.obj, Scope(since), source, None)
    desk.decide(desk.named(ids), Choice(DEFER, reason, (), later), decider)


@app.command()
def edit(
    context: typer.Context,
    identity: Annotated[str, typer.Argument(metavar="ID", help="As of nsp decide list.")],
    elements: Annotated[
        str, typer.Option("--elements", "-e", metavar="A,B", help="What the rule shall hold instead, with commas.")
    ],
    reason: ReasonOption = "",
    expires: ExpiresOption = None,
    who: WhoOption = None,
    source: FromOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    policy: PolicyOption = None,
) -> None:
    """Accept a proposal with other elements: narrower, or wider within the policy."""
    from pipeline.cli.desk import open_desk, person
    from pipeline.recommend.scope import Scope
    from pipeline.review.decision import EDIT, Choice

    ended(until)
    decider = person(who)
    desk = open_desk(context.obj, Scope(since, until), source, policy)
    wanted = tuple(each.strip() for each in elements.split(",") if each.strip())
    desk.decide(desk.named([identity]), Choice(EDIT, reason, wanted, expires), decider)


@app.command()
def undo(context: typer.Context, ids: IdsArgument, reason: ReasonOption = "", who: WhoOption = None) -> None:
    """Undo the last decision on proposals; the one before it stands again. Both stay in the trail."""
    from pipeline.cli.desk import person, show
    from pipeline.review.decision import UNDO, Choice
    from pipeline.review.entry import entry
    from pipeline.review.lookup import UnknownProposalError, proposal_of

    common: Context = context.obj
    decider, now = person(who), utc_now()
    decisions = common.decisions()
    trail = decisions.trail()
    known = {each.proposal_id: each.proposal for each in trail.current.values()}
    chosen = {}
    for text in ids:
        try:
            found = proposal_of(text, known)
        except UnknownProposalError:
            raise UsageError(
                f"Nothing was decided about {text}, so there is nothing to undo. nsp decide log shows what was."
            ) from None
        chosen[found["id"]] = found
    entries = [entry(each, Choice(UNDO, reason), decider, now) for each in chosen.values()]
    show(decisions.record(entries, now, trail.sequences))


@app.command()
def apply(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.yaml", help="Decisions kept in git; docs/deciding.md has one.")],
    skip_unknown: Annotated[
        bool, typer.Option("--skip-unknown", help="Pass over ids that nobody proposes or decided about, and say so.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Record nothing; say how much there would be.")] = False,
    who: WhoOption = None,
    source: FromOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    policy: PolicyOption = None,
) -> None:
    """Record what a file says, all of it or nothing; what stands already is left alone, so twice is as once."""
    from pipeline.cli.desk import open_desk, person, tell
    from pipeline.recommend.scope import Scope
    from pipeline.review import decisions_file
    from pipeline.review.kept import Reconciler

    written, decider = decisions_file.read(file), person(who)
    desk = open_desk(context.obj, Scope(since, until), source, policy)
    judge = Reconciler(desk.trail, desk.known, decider, desk.now, desk.bounds, skips_unknown=skip_unknown)
    found = judge.reconcile(written)
    for note in found.notes:
        tell(note)
    tell(f"{len(found.entries):,} of {len(written):,} decisions are new, {found.unchanged:,} stand already.")
    if not dry_run and found.entries:
        desk.record(found.entries)


@app.command()
def log(
    context: typer.Context,
    proposal: Annotated[str | None, typer.Option("--proposal", metavar="ID", help="Just those on one.")] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Print the trail: who decided what, when and why. JSON holds all, with the proposals as they stood."""
    from pipeline.cli.decision_rows import write_trail
    from pipeline.review.lookup import proposal_of

    common: Context = context.obj
    made = common.decisions().trail().decisions
    if proposal:
        wanted = proposal_of(proposal, {each.proposal_id: each.proposal for each in made})["id"]
        made = tuple(each for each in made if each.proposal_id == wanted)
    write_trail(made, form)


@app.command()
def verify(
    context: typer.Context,
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="HASH", help="A hash that an earlier check printed: it must be in the trail."),
    ] = None,
) -> None:
    """Check that no decision was changed, moved or removed. The exit code is 3 where one was.

    Note the printed hash elsewhere: without it nobody can tell whether the last decisions were cut off.
    """
    from pipeline.cli.output import console, plain

    common: Context = context.obj
    found = common.decisions().verify(head)
    if found.is_intact:
        console().print(f"{found.count:,} decisions, as they were recorded. Last hash:\n{found.head}", markup=False)
        return
    console().print(f"Broken: {plain(found.sentence)}. {found.count:,} before it hold together.", markup=False)
    raise typer.Exit(ATTENTION)
