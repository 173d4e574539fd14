"""Results as numbers to keep, and as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from comparing.measuring import Result, Times

# Whose rows are ours; the others are peers.
OURS = "specc"


def summary(times: Times) -> dict[str, dict[str, Any]]:
    """Of each peer: the median of its rounds' medians, those, and its best step, in ms."""
    found: dict[str, dict[str, Any]] = {}
    for name, rounds in times.items():
        medians = [statistics.median(ms) for ms in rounds]
        found[name] = {
            "median": round(statistics.median(medians), 4),
            "rounds": [round(ms, 4) for ms in medians],
            "best": round(min(map(min, rounds)), 4),
        }
    return found


def record(
    title: str, batch: int, result: Result, limits: Mapping[str, dict[str, float]]
) -> dict[str, Any]:
    """One workload as plain data. `limits`: Gemm limits of `training` and of batch sizes."""
    return {
        "title": title,
        "batch": batch,
        "training": summary(result.training),
        "inference": {str(batch): summary(times) for batch, times in result.inference.items()},
        "losses": result.losses,
        "memory_mib": {name: round(mib) for name, mib in result.memory.items()},
        "gemm_limit": dict(limits),
        "versions": result.versions,
        "gaps": result.gaps,
        "notes": result.notes,
    }


def fastest(timings: Mapping[str, dict[str, Any]]) -> str | None:
    """The fastest of the peers."""
    peers = {name: t["median"] for name, t in timings.items() if not name.startswith(OURS)}
    return min(peers, key=peers.__getitem__, default=None)


def ratio(timings: Mapping[str, dict[str, Any]], name: str) -> str:
    """How many times as fast as the fastest peer, with the range over rounds."""
    peer = fastest(timings)
    if peer is None:
        return ""
    each = zip(timings[peer]["rounds"], timings[name]["rounds"], strict=True)
    ratios = [theirs / own for theirs, own in each]
    if name == peer:
        return "1"
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


def table(rows: Iterable[Iterable[str]]) -> list[str]:
    """Markdown lines, the first row as header."""
    first, *others = [list(row) for row in rows]
    rule = ["---", *["---:"] * (len(first) - 1)]
    return [f"| {' | '.join(row)} |" for row in (first, rule, *others)]


def training_rows(one: Mapping[str, Any]) -> list[list[str]]:
    """Header and a row for each peer."""
    timings, limit = one["training"], one["gemm_limit"].get("training")
    rows = [["training step", "ms", "rounds", "times as fast as the fastest peer",
             "times the Gemm limit", "MiB"]]  # fmt: skip
    for name in sorted(timings, key=lambda n: timings[n]["median"]):
        t = timings[name]
        over = f"{t['median'] / limit['ms']:.2f}" if limit and limit["ms"] else ""
        memory = str(one["memory_mib"].get(name, ""))
        spread = f"{min(t['rounds']):.2f}-{max(t['rounds']):.2f}"
        rows.append([name, f"{t['median']:.2f}", spread, ratio(timings, name), over, memory])
    return rows


def inference_rows(one: Mapping[str, Any]) -> list[list[str]]:
    """Header and a row for each peer, a column for each batch size: ms (range over rounds)."""
    by_batch = one["inference"]
    names = sorted({n for timings in by_batch.values() for n in timings})
    rows = [["prediction, ms", *(f"batch {batch}" for batch in by_batch)]]
    for name in names:
        cells = []
        for timings in by_batch.values():
            t = timings.get(name)
            spread = f"{min(t['rounds']):.3f}-{max(t['rounds']):.3f}" if t else ""
            cells.append(f"{t['median']:.3f} ({spread})" if t else "")
        rows.append([name, *cells])
    for name in names:
        if name == OURS:
            ratios = [ratio(timings, name) for timings in by_batch.values()]
            rows.append([f"{name}, times as fast as the fastest peer", *ratios])
    return rows


def workload_lines(one: Mapping[str, Any]) -> list[str]:
    """A workload's part of the page."""
    lines = [f"### {one['title']}, batch {one['batch']}", ""]
    limit = one["gemm_limit"].get("training")
    if one["training"]:
        lines += [*table(training_rows(one)), ""]
    if limit:
        rate = limit["gflop"] / limit["ms"] * 1e3 if limit["ms"] else 0
        lines += [
            f"Gemm limit {limit['ms']:.2f} ms: {limit['gflop']:.2f} GFLOP at {rate:.0f} GFLOP/s.",
            "",
        ]
    if one["inference"]:
        lines += [*table(inference_rows(one)), ""]
    spread = apart(one["losses"])
    if spread is not None:
        lines += [f"First losses agree within {spread:.0e}.", ""]
    told = [f"- {name}: {note}" for name, note in one.get("notes", {}).items()]
    told += [
        f"- not measured: {name}: {reason}"
        for name, reason in one["gaps"].items()
        if not reason.startswith("only ")  # peers that only train, or only predict
    ]
    return [*lines, *told, ""] if told else lines


def apart(losses: Mapping[str, list[float]]) -> float | None:
    """Largest relative difference of any first loss to the first peer's."""
    if not losses:
        return None
    reference, *others = (values[0] for values in losses.values())
    return max((abs(a - reference) / abs(reference) for a in others), default=0.0)


def markdown(results: Mapping[str, Any]) -> str:
    """The whole page's tables."""
    lines: list[str] = []
    versions: dict[str, str] = {}
    for one in results["workloads"].values():
        lines += workload_lines(one)
        versions |= one["versions"]
    named = ", ".join(f"{name} {number}" for name, number in sorted(versions.items()))
    lines.append(
        f"{results['threads']} pinned threads, {results['machine']}; {named}."
        f" Medians of {results['rounds']} alternating rounds."
    )
    return "\n".join(lines)
