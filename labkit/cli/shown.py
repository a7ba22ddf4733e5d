"""What every command shows in the same way: faults as sentences, options in groups."""

import io
import sys

import click

from labkit.errors import LabkitError, RunError

__all__ = ["Command", "Group"]

GO_ON = ("run", "extract", "train")  # commands that start again where they stopped


class Group(click.Group):
    """Gives faults as sentences on stderr: exit code 2 for bad input, 1 for what stopped, 130 for an interrupt."""

    def invoke(self, ctx: click.Context):
        try:
            return super().invoke(ctx)
        except LabkitError as error:
            click.echo(f"{type(error).__name__}: {error}", err=True)
            ctx.exit(1 if isinstance(error, RunError) else 2)
        except KeyboardInterrupt:
            kept = "; what was finished is kept. The same command goes on from there."
            click.echo("Interrupted" + (kept if ctx.invoked_subcommand in GO_ON else "."), err=True)
            ctx.exit(130)
        except BrokenPipeError:
            # The reader (head, less) has left; nothing more is written, also not by Python at its end.
            sys.stdout = sys.stderr = io.StringIO()
            ctx.exit(0)
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            click.echo(f"{place}{error.strerror or error}.", err=True)
            ctx.exit(1)


class Command(click.Command):
    """Shows its options under headings: `sections` maps a heading to the names of its parameters."""

    def __init__(self, *args, sections: dict[str, tuple[str, ...]] | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self.sections = sections or {}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections, then all other options."""
        grouped = {name for names in self.sections.values() for name in names}
        options = [option for option in self.get_params(ctx) if isinstance(option, click.Option)]
        rest = tuple(option.name for option in options if option.name not in grouped)
        for heading, names in {"Options": rest, **self.sections}.items():
            records = [option.get_help_record(ctx) for option in options if option.name in names]
            with formatter.section(heading):
                formatter.write_dl([record for record in records if record])
