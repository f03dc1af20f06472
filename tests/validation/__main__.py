"""Write docs/validation.md: ``python -m tests.validation``."""

from __future__ import annotations

from tests.validation.report import TARGET, module_names, report, section, verdict


def main() -> None:
    """Run every module and write the report; misses are printed too."""
    sections = [section(name) for name in module_names()]
    TARGET.write_text(report(sections), encoding="utf-8")
    for part in sections:
        for row in part.rows:
            if verdict(row) == "**missed**":
                print(f"{part.name}: {row.quantity}: {verdict(row)}, {row.ours:g} against {row.published:g}")


if __name__ == "__main__":
    main()
