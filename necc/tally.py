"""What a scraping run did, for people and for machines."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field

from necc.config import DEMO_LABEL
from necc.errors import NeccError
from necc.records import Outcome
from necc.sheets import SheetResult
from necc.store import Counts


@dataclass
class ScrapeReport:
    """What a run did. `exit_code` and `status` follow the table in the README."""

    execution_id: str
    first: str
    last: str
    is_dry_run: bool
    is_demo: bool
    sheets: list[SheetResult] = field(default_factory=list)
    skipped: int = 0
    errors: list[NeccError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_refreshed: bool = False
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def counts(self) -> Counts:
        """Cells inserted, updated, unchanged and kept, over all sheets."""
        return sum((sheet.counts for sheet in self.sheets), Counts())

    @property
    def outcomes(self) -> dict[str, int]:
        """Sheets by outcome."""
        return dict(Counter(str(sheet.outcome) for sheet in self.sheets))

    @property
    def verdicts(self) -> dict[str, int]:
        """Cells and lines that are doubtful, by verdict."""
        return dict(Counter(str(p.verdict) for sheet in self.sheets for p in sheet.problems))

    @property
    def unknown_labels(self) -> list[str]:
        """Printed zone names that no alias knows."""
        return sorted({label for sheet in self.sheets for label in sheet.unknown_labels})

    @property
    def exit_code(self) -> int:
        """0, or the highest of the reasons that occurred."""
        return max((error.exit_code for error in self.errors), default=0)

    @property
    def status(self) -> str:
        """What the log row says."""
        if not self.exit_code:
            return "success"
        return "partial" if any(s.outcome is Outcome.STORED for s in self.sheets) else "failed"

    @property
    def summary(self) -> str:
        """The report in a few lines for people."""
        counts, verdicts = self.counts, self.verdicts
        span = self.first if self.first == self.last else f"{self.first} .. {self.last}"
        sheets = ", ".join(f"{n} {name}" for name, n in sorted(self.outcomes.items())) or "none read"
        lines = [
            f"sheets {span}: {sheets}" + (f", {self.skipped} complete already" if self.skipped else ""),
            f"prices: {counts.inserted} new, {counts.updated} corrected, {counts.unchanged} as before",
        ]
        if verdicts:
            found = ", ".join(f"{n} {name}" for name, n in sorted(verdicts.items()))
            lines.append(f"doubtful: {found} (table nec_price_problems)")
        lines += self.notes
        if self.is_refreshed:
            lines.append("monthly averages and year over year are up to date")
        if self.is_dry_run:
            lines.append("dry run: nothing was stored")
        if self.is_demo:
            lines.append(f"these are {DEMO_LABEL}, no prices of NECC")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """The report for machines."""
        return {
            "execution_id": self.execution_id,
            "status": self.status,
            "exit_code": self.exit_code,
            "first": self.first,
            "last": self.last,
            "is_dry_run": self.is_dry_run,
            "is_demo": self.is_demo,
            "is_refreshed": self.is_refreshed,
            "sheets_skipped": self.skipped,
            "sheets": self.outcomes,
            "prices": asdict(self.counts),
            "problems": self.verdicts,
            "unknown_labels": self.unknown_labels,
            "seconds": self.seconds,
            "notes": self.notes,
            "errors": [{"kind": type(e).__name__, "message": str(e)} for e in self.errors],
        }
